"""Stage 3: adapt a frozen backbone to the test tasks of a suite with one method."""

import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from trajprompt.commands.arguments import (
    BACKBONE,
    CELL,
    cell_arguments,
    command_parser,
    read_stack,
    read_stores,
    stores_arguments,
)
from trajprompt.commands.process import run_stage
from trajprompt.errors import TrajpromptError
from trajprompt.settings.stages import TuneSettings

if TYPE_CHECKING:
    from torch import Tensor

    from trajprompt.artifacts.checkpoint import Checkpoint
    from trajprompt.artifacts.checkpoint_group import CheckpointGroup
    from trajprompt.models.backbone import Backbone
    from trajprompt.models.cmt.relabelled import Relabelled
    from trajprompt.rollout.requests import Player
    from trajprompt.trajectories.demonstrated_task import Stores
    from trajprompt.tuning.protocol import TuningProblem

OPTION_REMEDY = "correct this key in the config"
EXAMPLE = """--config config.yaml presets/smoke.yaml --suite reach \\
    --condition expert --method ptdt-online --seed 0 \\
    --data results/smoke/1_collect/reach/trajectories.h5 \\
    --backbone-file results/smoke/2_pretrain/reach/prompt-dt/seed0.safetensors \\
    --out tuned.h5"""


class Inputs(NamedTuple):
    """Files of a seed."""

    backbone: Path
    relabelled: Path | None  # of a backbone of kind cmt


def main(argv: Sequence[str] | None = None) -> None:
    parser = command_parser("tune", __doc__, EXAMPLE)
    cell_arguments(parser, several_seeds=True)
    file: Any = {"type": Path, "required": True, "metavar": "FILE"}
    stores_arguments(parser)
    for name, text in (
        ("--backbone-file", BACKBONE),
        ("--out", "adaptation to write (.h5): tuned prompts or weights"),
    ):
        parser.add_argument(name, nargs="+", **file, help=text)
    text = (
        "relabelled data of a backbone of kind cmt, written by `trajprompt relabel` (.h5)"
    )
    parser.add_argument("--relabelled", nargs="+", type=Path, metavar="FILE", help=text)
    args = parser.parse_args(argv)
    files = ["backbone_file", "out", *(["relabelled"] if args.relabelled else [])]
    settings = read_stack(args, TuneSettings, CELL, files)
    relabelled = args.relabelled or [None] * len(settings)
    inputs = [Inputs(*one) for one in zip(args.backbone_file, relabelled, strict=True)]
    if settings[0].stacked_seeds:
        run_stack(settings, read_stores(args), inputs, args.out)
    else:
        run(settings[0], read_stores(args), inputs[0], args.out[0])


def run(settings: TuneSettings, stores: "Stores", inputs: Inputs, out: Path) -> None:
    """Tune all test tasks of one cell; write the adaptation and its record."""
    from trajprompt.artifacts.resources import write_resources

    checkpoint = _tune(settings, stores, inputs, out)
    write_resources(out, checkpoint.resumed_from)


def run_stack(
    settings: Sequence[TuneSettings],
    stores: "Stores",
    inputs: Sequence[Inputs],
    outs: Sequence[Path],
) -> None:
    """Tune several seeds of a cell, whose episodes are played together; write each.

    The files of a seed do not depend on the other seeds. Each seed has a checkpoint, which
    stays until the files of all seeds are written.
    """
    from trajprompt.artifacts.checkpoint_group import CheckpointGroup
    from trajprompt.artifacts.resources import write_resources
    from trajprompt.rollout.broker import play_together
    from trajprompt.rollout.stacked_plays import StackedPlayer
    from trajprompt.tasks.registry import get_suite

    first, checkpoints = settings[0], CheckpointGroup()
    player = StackedPlayer(
        get_suite(first.suite), first.target_return, first.precision, first.threads
    )
    works = [
        functools.partial(_tune, one, stores, of_seed, out, checkpoints)
        for one, of_seed, out in zip(settings, inputs, outs, strict=True)
    ]
    with checkpoints.listening():
        done = play_together(works, player)
    for out, checkpoint in zip(outs, done, strict=True):
        write_resources(out, checkpoint.resumed_from, len(outs))
    checkpoints.remove()


def _tune(
    settings: TuneSettings,
    stores: "Stores",
    inputs: Inputs,
    out: Path,
    checkpoints: "CheckpointGroup | None" = None,
    player: "Player | None" = None,
) -> "Checkpoint":
    """Tune one seed; write the adaptation and its record; return the finished checkpoint.

    The checkpoint is added to ``checkpoints`` before the tuning, and kept after it.
    """
    from trajprompt.adaptations.write import write_adaptation
    from trajprompt.artifacts.checkpoint import checkpoint_for
    from trajprompt.artifacts.provenance import provenance
    from trajprompt.artifacts.records import write_record
    from trajprompt.numerics.device import precision_name
    from trajprompt.settings.engine import used_engine
    from trajprompt.settings.options import parse_options
    from trajprompt.tuning.registry import get_method

    method = get_method(settings.kind)
    where = f"methods.{settings.method}.options"
    options: Any = parse_options(method.options, settings.options, where, OPTION_REMEDY)
    problem = prepare(settings, stores, *inputs)
    backbone = problem.backbone
    files = [*stores.files, *(file for file in inputs if file)]
    attributes: dict[str, Any] = {
        **provenance("tune", dataclasses.asdict(settings), files),
        "suite": settings.suite,
        "condition": settings.condition,
        "method": settings.method,
        "seed": settings.seed,
        "precision": precision_name(settings.precision, backbone.device),
        "engine": used_engine(
            settings.engine, backbone.device.type, settings.stacked_seeds
        ),
        "backbone": backbone.name,
        "backbone_parameters": sum(p.numel() for p in backbone.model.parameters()),
    }
    if backbone.config.uses_prompt:
        attributes |= settings.prompt.attributes()
    keep = checkpoints is not None
    with checkpoint_for(out, attributes, backbone.device, keep) as checkpoint:
        if checkpoints is not None:
            checkpoints.add(checkpoint)
        problem = dataclasses.replace(problem, checkpoint=checkpoint, player=player)
        write_adaptation(out, problem, method.tune(problem, options), attributes)
        write_record(attributes, out)
    return checkpoint


def prepare(
    settings: TuneSettings,
    stores: "Stores",
    backbone_file: Path,
    relabelled: Path | None = None,
) -> "TuningProblem":
    """Tuning problem of a cell, read from its files; TrajpromptError if they do not fit."""
    from trajprompt.artifacts.atomic import require_file
    from trajprompt.models.backbone import load_backbone
    from trajprompt.tasks.registry import get_suite
    from trajprompt.trajectories.demonstrated_task import open_stores
    from trajprompt.tuning.problem import build_problem, tasks_read

    require_file(backbone_file, "trajprompt pretrain")
    backbone = load_backbone(backbone_file, settings.device)
    if backbone.suite != settings.suite:
        found, expected = f"found suite {backbone.suite}", f"suite {settings.suite}"
        remedy = "give the backbone of this suite with --backbone-file"
        raise TrajpromptError(backbone_file, found, expected, remedy)
    suite = get_suite(settings.suite)
    tasks = tasks_read(settings)
    named = settings.suite, settings.demonstrations_from
    buffers = open_stores(stores, tasks, *named)
    planned = _relabelled(settings, backbone, backbone_file, relabelled)
    return build_problem(settings, suite, buffers, backbone, planned)


def _relabelled(
    settings: TuneSettings, backbone: "Backbone", backbone_file: Path, path: Path | None
) -> "tuple[Relabelled, Tensor] | None":
    """The relabelled data of the backbone, if the method reads them."""
    from trajprompt.tuning.registry import get_method

    if not get_method(settings.kind).reads_relabelled:
        return None
    where = f"method {settings.method}"
    if backbone.family != "history":
        found, expected = f"found the backbone {backbone.name}", "a backbone of kind cmt"
        raise TrajpromptError(where, found, expected, "choose another condition")
    if path is None:
        remedy = "give the file with --relabelled; `trajprompt relabel` makes it"
        raise TrajpromptError(where, "found no relabelled data", "a file", remedy)
    from trajprompt.models.cmt.relabelled_file import read_relabelled

    return read_relabelled(path, backbone_file, backbone.config)


if __name__ == "__main__":
    raise SystemExit(run_stage(main))
