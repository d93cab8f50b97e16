"""Write tasks of a trajectory store as datasets of another format.

Minari: one dataset per task in a new folder, which is a Minari root: with
MINARI_DATASETS_PATH=FOLDER, `minari.load_dataset("trajprompt/reach/task6-v0")` finds it.
"""

import argparse
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from trajprompt.errors import TrajpromptError

EPILOG = """examples:
  trajprompt export results/smoke/1_collect/reach/trajectories.h5 \\
      --format minari --task 6 9 --out exported
  trajprompt export results/smoke/1_collect/reach/trajectories.h5 \\
      --format minari --out exported                                  (all tasks)"""


def main(argv: Sequence[str] | None = None) -> None:
    """Read the tasks, write the folder."""
    parser = argparse.ArgumentParser(
        prog="trajprompt export",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("store", metavar="STORE", help="trajectory store (.h5)")
    parser.add_argument("--format", required=True, choices=["minari"])
    parser.add_argument("--task", nargs="+", type=int, metavar="N", help="default: all")
    parser.add_argument("--out", required=True, metavar="FOLDER", help="must not exist yet")
    args = parser.parse_args(argv)
    run(Path(args.store), args.task, Path(args.out))


def run(store: Path, tasks: Sequence[int] | None, out: Path) -> None:
    """The command itself; the folder appears when it is whole."""
    from trajprompt.artifacts.atomic import disk_errors
    from trajprompt.exchange.minari import write
    from trajprompt.tasks.registry import get_suite
    from trajprompt.trajectories.store import read_attributes, read_trajectories

    made_by = read_attributes(store)
    suite = get_suite(made_by["suite"])
    if out.exists():
        raise TrajpromptError(out, "exists", "a new folder", "name another with --out")
    temporary = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        with disk_errors(out):
            temporary.mkdir(parents=True)
            for one in read_trajectories(store, tasks, suite).values():
                print(write(temporary, suite, one, made_by))
            temporary.rename(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


if __name__ == "__main__":
    from trajprompt.commands.process import run_stage

    raise SystemExit(run_stage(main))
