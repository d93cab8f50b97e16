"""Convert external data into a file of trajectories.

With `algorithm: file` under `collect.<suite>`, a run uses this file instead of collecting.

Give a task's files in time order, the worst behaviour first: its first episodes serve as
random demonstrations, its last as expert ones. Dimensions, horizon and values are checked.
Goals are taken from the suite. No code in a file is executed.
"""

import importlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trajprompt.commands.arguments import SUITE, command_parser
from trajprompt.commands.process import run_stage
from trajprompt.errors import TrajpromptError

if TYPE_CHECKING:
    from trajprompt.tasks.suites import Suite
    from trajprompt.trajectories.episodes import TaskTrajectories

READERS = {  # format -> module with ``read(path, suite)``, imported when used
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
    imported, inputs = [], []
    for task, paths in sorted(tasks.items()):
        trajectories, files = _import_task(form, suite, task, paths)
        imported.append(trajectories)
        inputs += files
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


def _import_task(
    form: str, suite: "Suite", task: int, paths: Sequence[Path]
) -> tuple["TaskTrajectories", list[Path]]:
    """Buffer of one task, and the files that were read for it."""
    from trajprompt.exchange.episodes import join

    if task >= len(suite.goals):
        expected = f"0 to {len(suite.goals) - 1}, the tasks of {suite.name}"
        remedy = "choose a task of this suite, or another --suite"
        raise TrajpromptError("--task", f"found {task}", expected, remedy)
    reader = importlib.import_module(READERS[form])
    sources = [reader.read(path, suite) for path in paths]
    for path, source in zip(paths, sources, strict=True):
        if source.task not in (None, task):
            found, expected = f"found data of task {source.task}", f"data of task {task}"
            remedy = f"give this file under --task {source.task}"
            raise TrajpromptError(path, found, expected, remedy)
    counts = [len(source.episodes) for source in sources]
    attributes = {"algorithm": f"{form} data"}
    if len(counts) > 1:
        attributes["episodes_per_source"] = json.dumps(counts)
    joined = join(suite, task, sources, attributes)
    first = 0
    for path, count in zip(paths, counts, strict=True):
        mean = joined.returns[first : first + count].mean()
        print(f"task {task}: {count} episodes, mean return {mean:.1f}: {path}")
        first += count
    return joined, [file for source in sources for file in source.files]


if __name__ == "__main__":
    raise SystemExit(run_stage(main))
