"""Make a trajectory store of data from elsewhere, for `collect.<suite>.algorithm: file`.

Files of a task are given in the order of time, the worst behaviour first: the last
episodes are its expert demonstrations, the first its random ones. Dimensions, horizon and
numbers are checked; goals are the suite's. No file can run code, whatever it holds.
"""

import argparse
import importlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trajprompt.errors import TrajpromptError

if TYPE_CHECKING:
    from trajprompt.tasks.suites import Suite
    from trajprompt.trajectories.episodes import TaskTrajectories

READERS = {  # format -> module with ``read(path, suite)``, imported only when it is used
    "prompt-dt": "trajprompt.exchange.prompt_dt",
    "d4rl": "trajprompt.exchange.d4rl",
    "minari": "trajprompt.exchange.minari",
}

EPILOG = """formats:
  prompt-dt  pickles of the public Prompt-DT data: lists of dicts of arrays
  d4rl       HDF5 with observations, actions, rewards, terminals, timeouts
  minari     a dataset's folder, as `trajprompt export` and Minari write it

examples:
  trajprompt import --format prompt-dt --suite cheetah-dir --out cheetah-dir.h5 \\
      --task 0 cheetah_dir-0-medium.pkl cheetah_dir-0-expert.pkl \\
      --task 1 cheetah_dir-1-medium.pkl cheetah_dir-1-expert.pkl
  trajprompt import --format d4rl --suite reach --task 3 reach3.hdf5 --out reach.h5
  trajprompt import --format minari --suite reach --out reach.h5 \\
      --task 6 exported/trajprompt/reach/task6-v0"""


def main(argv: Sequence[str] | None = None) -> None:
    """Read every task's files, check them, write the store."""
    parser = argparse.ArgumentParser(
        prog="trajprompt import",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--format", required=True, choices=READERS, help="see below")
    parser.add_argument("--suite", required=True, help="suite of tasks, e.g. cheetah-vel")
    parser.add_argument(
        "--task",
        nargs="+",
        action="append",
        required=True,
        metavar=("N", "FILE"),
        help="a task's published index and its files, the worst behaviour first; repeat it",
    )
    parser.add_argument("--out", required=True, metavar="FILE", help="HDF5 store to write")
    args = parser.parse_args(argv)
    run(args.format, args.suite, _tasks(args.task), Path(args.out))


def run(form: str, suite_name: str, tasks: dict[int, list[Path]], out: Path) -> None:
    """The command itself: task -> files, in time order."""
    from trajprompt.artifacts.provenance import provenance
    from trajprompt.artifacts.records import write_record
    from trajprompt.tasks.registry import get_suite
    from trajprompt.trajectories.store import write_trajectories

    suite = get_suite(suite_name)
    made, inputs = [], []
    for task, paths in sorted(tasks.items()):
        trajectories, files = _import_task(form, suite, task, paths)
        made.append(trajectories)
        inputs += files
    chosen = {str(task): [str(path) for path in paths] for task, paths in tasks.items()}
    settings = {"format": form, "suite": suite_name, "tasks": chosen}
    attributes = provenance("import", settings, inputs)
    write_trajectories(out, suite, made, attributes)
    write_record(attributes, out)
    print(f"{out}: {len(made)} task(s) of {suite_name}")


def _tasks(given: Sequence[Sequence[str]]) -> dict[int, list[Path]]:
    """What ``--task N FILE...`` names, each task once and with at least one file."""
    tasks: dict[int, list[Path]] = {}
    for index, *files in given:
        if not index.isdecimal() or not files or int(index) in tasks:
            found = " ".join([index, *files])
            expected = "a task's index and its files, each task once"
            raise TrajpromptError("--task", found, expected)
        tasks[int(index)] = [Path(file) for file in files]
    return tasks


def _import_task(
    form: str, suite: "Suite", task: int, paths: Sequence[Path]
) -> tuple["TaskTrajectories", list[Path]]:
    """One task's buffer and the files that it was read from."""
    from trajprompt.exchange.episodes import join

    if task >= len(suite.goals):
        expected = f"0 to {len(suite.goals) - 1}, the tasks of {suite.name}"
        raise TrajpromptError("--task", str(task), expected)
    reader = importlib.import_module(READERS[form])
    sources = [reader.read(path, suite) for path in paths]
    for path, source in zip(paths, sources, strict=True):
        if source.task not in (None, task):
            raise TrajpromptError(path, f"data of task {source.task}", f"of task {task}")
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
    from trajprompt.commands.process import run_stage

    raise SystemExit(run_stage(main))
