"""Convert external data into a file of trajectories.

With `algorithm: file` under `collect.<suite>`, a run uses this file instead of collecting.

Give a task's files in time order, the worst behaviour first: its first episodes serve as
random demonstrations, its last as expert ones. Dimensions, horizon and values are checked.
Goals are taken from the suite. No code in a file is executed.
"""

import importlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trajprompt.commands.arguments import SUITE, command_parser
from trajprompt.commands.process import run_stage
from trajprompt.errors import TrajpromptError

if TYPE_CHECKING:
    from trajprompt.tasks.suites import Suite
    from trajprompt.trajectories.episodes import TaskTrajectories

# format -> module with ``read(path, suite)`` and ``inputs(path)``, imported when used
READERS = {
    "prompt-dt": "trajprompt.exchange.prompt_dt",
    "d4rl": "trajprompt.exchange.d4rl",
    "minari": "trajprompt.exchange.minari",
}

FORMATS = """formats:
  prompt-dt  pickles of the public Prompt-DT data: lists of dicts of arrays
  d4rl       HDF5 with observations, actions, rewards, terminals, timeouts
  minari     dataset folder, as written by `trajprompt export` and Minari

"""
EXAMPLES = (
    """--format prompt-dt --suite cheetah-dir --out cheetah-dir.h5 \\
      --task 0 cheetah_dir-0-medium.pkl cheetah_dir-0-expert.pkl \\
      --task 1 cheetah_dir-1-medium.pkl cheetah_dir-1-expert.pkl""",
    "--format d4rl --suite reach --task 3 reach3.hdf5 --out reach.h5",
    """--format minari --suite reach --out reach.h5 \\
      --task 6 exported/trajprompt/reach/task6-v0""",
)


def main(argv: Sequence[str] | None = None) -> None:
    parser = command_parser("import", __doc__, *EXAMPLES, notes=FORMATS)
    form = "format of the files, see below"
    parser.add_argument("--format", required=True, choices=READERS, help=form)
    parser.add_argument("--suite", required=True, help=SUITE)
    parser.add_argument(
        "--task",
        nargs="+",
        action="append",
        required=True,
        metavar=("N", "FILE"),
        help="index of a task and its files in time order; give the option once per task",
    )
    parser.add_argument(
        "--out", required=True, metavar="FILE", help="trajectories to write (.h5)"
    )
    args = parser.parse_args(argv)
    run(args.format, args.suite, _tasks(args.task), Path(args.out))


def run(form: str, suite_name: str, tasks: dict[int, list[Path]], out: Path) -> None:
    """Read and check every task's files (task -> files in time order); write the store."""
    from trajprompt.artifacts.provenance import provenance
    from trajprompt.artifacts.records import write_record
    from trajprompt.tasks.registry import get_suite
    from trajprompt.trajectories.store import write_trajectories

    suite = get_suite(suite_name)
    imported = [Import(form, suite, task, paths) for task, paths in sorted(tasks.items())]
    inputs = [file for one in imported for file in one.inputs()]
    sources = {str(task): [str(path) for path in paths] for task, paths in tasks.items()}
    settings = {"format": form, "suite": suite_name, "tasks": sources}
    attributes = provenance("import", settings, inputs)
    write_trajectories(out, suite, imported, attributes)
    write_record(attributes, out)
    print(f"{out}: {len(imported)} task(s) of {suite_name}")


def _tasks(given: Sequence[Sequence[str]]) -> dict[int, list[Path]]:
    """Task -> files from ``--task N FILE...``; each task once, with at least one file."""
    tasks: dict[int, list[Path]] = {}
    for index, *files in given:
        if not index.isdecimal() or not files or int(index) in tasks:
            found = f"found {' '.join([index, *files])}"
            expected = "a task's index and its files, each task once"
            remedy = "write e.g. --task 0 medium.pkl expert.pkl"
            raise TrajpromptError("--task", found, expected, remedy)
        tasks[int(index)] = [Path(file) for file in files]
    return tasks


@dataclass(frozen=True)
class Import:
    """Files of one task in time order, read when the task is written."""

    form: str  # a key of READERS
    suite: "Suite"
    task: int
    paths: Sequence[Path]

    def __post_init__(self) -> None:
        if self.task >= len(self.suite.goals):
            name = self.suite.name
            expected = f"0 to {len(self.suite.goals) - 1}, the tasks of {name}"
            remedy = "choose a task of this suite, or another --suite"
            raise TrajpromptError("--task", f"found {self.task}", expected, remedy)

    def inputs(self) -> list[Path]:
        """Files that are read, some of them in the given folders."""
        reader = importlib.import_module(READERS[self.form])
        return [file for path in self.paths for file in reader.inputs(path)]

    def read(self) -> "TaskTrajectories":
        """All episodes of the task.

        Prints the number and mean return of each source, and its other ``counts``.
        """
        from trajprompt.exchange.episodes import join

        reader = importlib.import_module(READERS[self.form])
        sources = [reader.read(path, self.suite) for path in self.paths]
        for path, source in zip(self.paths, sources, strict=True):
            if source.task not in (None, self.task):
                found = f"found data of task {source.task}"
                expected = f"data of task {self.task}"
                remedy = f"give this file under --task {source.task}"
                raise TrajpromptError(path, found, expected, remedy)
        counts = [len(source.episodes) for source in sources]
        attributes = {"algorithm": f"{self.form} data"}
        if len(counts) > 1:
            attributes["episodes_per_source"] = json.dumps(counts)
        joined = join(self.suite, self.task, sources, attributes)
        first = 0
        for path, count, source in zip(self.paths, counts, sources, strict=True):
            mean = joined.returns[first : first + count].mean()
            print(f"task {self.task}: {count} episodes, mean return {mean:.1f}: {path}")
            for name, number in source.counts.items():
                if number:
                    print(f"task {self.task}: {number} {name.replace('_', ' ')}: {path}")
            first += count
        return joined


if __name__ == "__main__":
    raise SystemExit(run_stage(main))
