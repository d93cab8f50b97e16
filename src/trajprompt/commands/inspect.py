"""Look inside an artifact: tree, shapes, units, return statistics, and what made it.

The kind is told by the file's first bytes and attributes, not by its name. Kinds:
trajectories and adaptations (HDF5), backbones (safetensors; only the header is read),
evaluations and other tables (CSV).
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from trajprompt.commands.process import run_stage
from trajprompt.errors import TrajpromptError

EXAMPLES = """examples:
  trajprompt inspect results/laptop/1_collect/cheetah-vel/trajectories.h5
  trajprompt inspect results/laptop/1_collect/cheetah-vel/trajectories.h5 --task 3
  trajprompt inspect results/laptop/2_pretrain/cheetah-vel/prompt-dt/seed0.safetensors
  trajprompt inspect evaluation.csv --plot evaluation.png"""

KINDS = "trajectories (.h5), adaptation (.h5), backbone (.safetensors) or table (.csv)"


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="trajprompt inspect",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, help="any artifact of any stage")
    parser.add_argument("--task", type=int, help="show one task only")
    parser.add_argument(
        "--plot", type=Path, metavar="OUT", help="write a .png, .svg or .pdf"
    )
    args = parser.parse_args(argv)
    print(describe(args.file, args.task))
    if args.plot:
        plot(args.file, args.task, args.plot)


def describe(path: Path, task: int | None = None) -> str:
    """All that is printed of an artifact."""
    from trajprompt.inspection import backbone, evaluation, lineage, text

    kind = recognise(path)
    if kind == "backbone":
        sections = backbone.describe(path)
    elif kind == "table":
        sections = evaluation.describe(path, task)
    else:
        sections = _describe_hdf5(path, kind, task)
    head = f"{text.printable(path)}: {kind}, {text.size(path.stat().st_size)}\n"
    return "\n".join([head, *sections, *lineage.describe(path)]).rstrip()


def _describe_hdf5(path: Path, kind: str, task: int | None) -> list[str]:
    from trajprompt.adaptations.layout import open_adaptation
    from trajprompt.inspection import adaptation, trajectories
    from trajprompt.trajectories.store import open_store

    if kind == "trajectories":
        with open_store(path) as file:
            return trajectories.describe(file, path, task)
    with open_adaptation(path) as file:
        return adaptation.describe(file, path, task)


def recognise(path: Path) -> str:
    """The kind of an artifact, by its content; TrajpromptError if it is none of ours."""
    from trajprompt.artifacts.atomic import require_file
    from trajprompt.artifacts.hdf5_checks import SIGNATURE, kind_of

    with require_file(path, "trajprompt collect").open("rb") as handle:
        start = handle.read(1024)  # the first column of a table may have a long name
    if start.startswith(SIGNATURE):
        kind = kind_of(path)
        if kind is None or kind not in ("trajectories", "adaptation"):
            raise TrajpromptError(path, f"an HDF5 file of kind {kind}", KINDS)
        return kind
    if start[8:9] == b"{":
        return "backbone"
    if b"\x00" not in start and b"," in start:
        return "table"
    raise TrajpromptError(path, f"unknown content, it begins {start[:16]!r}", KINDS)


def plot(path: Path, task: int | None, out: Path) -> None:
    """Write a picture of an artifact."""
    from trajprompt.inspection import pictures

    pictures.draw(path, recognise(path), task, out)


if __name__ == "__main__":
    raise SystemExit(run_stage(main))
