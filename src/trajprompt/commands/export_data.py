"""Export tasks of a file of trajectories as Minari datasets.

Writes one dataset per task into a new folder, which is a Minari root. With
MINARI_DATASETS_PATH=FOLDER, `minari.load_dataset("trajprompt/reach/task6-v0")` finds it.
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from trajprompt.commands.arguments import command_parser
from trajprompt.commands.process import run_stage
from trajprompt.errors import TrajpromptError

EXAMPLES = (
    """results/smoke/1_collect/reach/trajectories.h5 --format minari \\
      --task 6 9 --out tasks""",
    "results/smoke/1_collect/reach/trajectories.h5 --format minari --out exported",
)


def main(argv: Sequence[str] | None = None) -> None:
    parser = command_parser("export", __doc__, *EXAMPLES)
    parser.add_argument("store", metavar="STORE", help="file of trajectories (.h5)")
    form = "format to write"
    parser.add_argument("--format", required=True, choices=["minari"], help=form)
    parser.add_argument(
        "--task", nargs="+", type=int, metavar="N", help="indices of tasks (default: all)"
    )
    parser.add_argument(
        "--out", required=True, metavar="FOLDER", help="new folder to write"
    )
    args = parser.parse_args(argv)
    run(Path(args.store), args.task, Path(args.out))


def run(store: Path, tasks: Sequence[int] | None, out: Path) -> None:
    """Write the folder; it appears under its name only when it is complete."""
    from trajprompt.artifacts.atomic import disk_errors
    from trajprompt.exchange.minari import write
    from trajprompt.tasks.registry import get_suite
    from trajprompt.trajectories.store import open_tasks, read_attributes

    made_by = read_attributes(store)
    suite = get_suite(made_by["suite"])
    if out.exists():
        raise TrajpromptError(out, "exists", "a new folder", "choose another --out")
    temporary = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        with disk_errors(out):
            temporary.mkdir(parents=True)
            for task in open_tasks(store, tasks, suite).values():
                print(write(temporary, suite, task.read(), made_by))
            temporary.rename(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


if __name__ == "__main__":
    raise SystemExit(run_stage(main))
