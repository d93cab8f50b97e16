"""Show what a file contains: arrays, shapes, units, return statistics and provenance.

The file may have trajectories, relabelled data or an adaptation (HDF5), a backbone or a
teacher (safetensors; only the header is read), an evaluation or another table (CSV). It is
recognised by its content, not by its name. Returns are sums of rewards over an episode.
"""

from collections.abc import Sequence
from pathlib import Path

from trajprompt.commands.arguments import command_parser
from trajprompt.commands.process import run_stage
from trajprompt.errors import TrajpromptError

EXAMPLES = (
    "results/smoke/1_collect/reach/trajectories.h5",
    "results/smoke/1_collect/reach/trajectories.h5 --task 6",
    "results/smoke/2_pretrain/reach/prompt-dt/seed0.safetensors",
    "results/smoke/2_pretrain/hopper-medium-expert/cmt/relabelled0.h5",
    "results/smoke/4_evaluate/reach/expert/ptdt-online/seed0.csv --plot evaluation.png",
)

HDF5_KINDS = ("trajectories", "relabelled", "adaptation")
KINDS = f"{', '.join(HDF5_KINDS)} (.h5), backbone or teacher (.safetensors), table (.csv)"
REMEDY = "give a file that a stage of this project wrote"


def main(argv: Sequence[str] | None = None) -> None:
    parser = command_parser("inspect", __doc__, *EXAMPLES)
    parser.add_argument("file", type=Path, help="file of any stage of a run")
    parser.add_argument(
        "--task", type=int, help="index of the only task to show (default: all tasks)"
    )
    parser.add_argument(
        "--plot",
        type=Path,
        metavar="OUT",
        help="also draw the content into this file (.png, .svg or .pdf)",
    )
    args = parser.parse_args(argv)
    print(describe(args.file, args.task))
    if args.plot:
        plot(args.file, args.task, args.plot)


def describe(path: Path, task: int | None = None) -> str:
    """Description of an artifact, as ``trajprompt inspect`` prints it."""
    from trajprompt.inspection import backbone, evaluation, lineage, teacher, text

    kind = recognise(path)
    if kind == "backbone":
        sections = backbone.describe(path)
    elif kind == "teacher":
        sections = teacher.describe(path)
    elif kind == "table":
        sections = evaluation.describe(path, task)
    else:
        sections = _describe_hdf5(path, kind, task)
    head = f"{text.printable(path)}: {kind}, {text.size(path.stat().st_size)}\n"
    return "\n".join([head, *sections, *lineage.describe(path)]).rstrip()


def _describe_hdf5(path: Path, kind: str, task: int | None) -> list[str]:
    from trajprompt.adaptations.layout import open_adaptation
    from trajprompt.inspection import adaptation, relabelled, trajectories
    from trajprompt.trajectories.store import open_store

    if kind == "trajectories":
        with open_store(path) as file:
            return trajectories.describe(file, path, task)
    if kind == "relabelled":
        return relabelled.describe(path)
    with open_adaptation(path) as file:
        return adaptation.describe(file, path, task)


def recognise(path: Path) -> str:
    """Kind of an artifact, by its content; TrajpromptError for any other file."""
    from trajprompt.artifacts.atomic import require_file
    from trajprompt.artifacts.hdf5_checks import SIGNATURE, kind_of

    with require_file(path, made_by="").open("rb") as handle:
        start = handle.read(1024)  # the first column of a table may have a long name
    if start.startswith(SIGNATURE):
        kind = kind_of(path)
        if kind is None or kind not in HDF5_KINDS:
            found = f"found an HDF5 file of kind {kind}"
            raise TrajpromptError(path, found, KINDS, REMEDY)
        return kind
    if start[8:9] == b"{":
        return _safetensors_kind(path)
    if b"\x00" not in start and b"," in start:
        return "table"
    found = f"found unknown content, starting with {start[:16]!r}"
    raise TrajpromptError(path, found, KINDS, REMEDY)


def _safetensors_kind(path: Path) -> str:
    from trajprompt.collect.teacher_header import KIND, METADATA
    from trajprompt.models.header import read_header
    from trajprompt.settings.parsing import json_object

    _, metadata = read_header(path, REMEDY)
    found = json_object(metadata.get(METADATA, "{}"), f"{path}: metadata", REMEDY)
    return KIND if found.get("kind") == KIND else "backbone"


def plot(path: Path, task: int | None, out: Path) -> None:
    """Draw an artifact into the file ``out``."""
    from trajprompt.inspection import pictures

    pictures.draw(path, recognise(path), task, out)


if __name__ == "__main__":
    raise SystemExit(run_stage(main))
