"""Stage 3: adapt a frozen backbone to the test tasks of a suite with one method."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trajprompt.commands.arguments import (
    BACKBONE,
    TRAJECTORIES,
    cell_arguments,
    command_parser,
    read_cell_settings,
)
from trajprompt.commands.process import run_stage
from trajprompt.errors import TrajpromptError
from trajprompt.settings.stages import TuneSettings

if TYPE_CHECKING:
    from trajprompt.tuning.protocol import TuningProblem

OPTION_REMEDY = "correct this key in the config"
EXAMPLE = """--config config.yaml presets/smoke.yaml --suite reach \\
    --condition expert --method ptdt-online --seed 0 \\
    --data results/smoke/1_collect/reach/trajectories.h5 \\
    --backbone-file results/smoke/2_pretrain/reach/prompt-dt/seed0.safetensors \\
    --out tuned.h5"""


def main(argv: Sequence[str] | None = None) -> None:
    parser = command_parser("tune", __doc__, EXAMPLE)
    cell_arguments(parser)
    for name, text in (
        ("--data", TRAJECTORIES),
        ("--backbone-file", BACKBONE),
        ("--out", "adaptation to write (.h5): tuned prompts or weights"),
    ):
        parser.add_argument(name, type=Path, required=True, metavar="FILE", help=text)
    args = parser.parse_args(argv)
    settings = read_cell_settings(args, TuneSettings)
    run(settings, args.data, args.backbone_file, args.out)


def run(settings: TuneSettings, data: Path, backbone_file: Path, out: Path) -> None:
    """Tune all test tasks of one cell; write the adaptation and its record."""
    from trajprompt.adaptations.write import write_adaptation
    from trajprompt.artifacts.checkpoint import checkpoint_for
    from trajprompt.artifacts.provenance import provenance
    from trajprompt.artifacts.records import write_record
    from trajprompt.artifacts.resources import write_resources
    from trajprompt.numerics.device import precision_name
    from trajprompt.settings.options import parse_options
    from trajprompt.tuning.registry import get_method

    method = get_method(settings.kind)
    where = f"methods.{settings.method}.options"
    options: Any = parse_options(method.options, settings.options, where, OPTION_REMEDY)
    problem = prepare(settings, data, backbone_file)
    inputs, backbone = [data, backbone_file], problem.backbone
    attributes: dict[str, Any] = {
        **provenance("tune", dataclasses.asdict(settings), inputs),
        "suite": settings.suite,
        "condition": settings.condition,
        "method": settings.method,
        "seed": settings.seed,
        "precision": precision_name(settings.precision, backbone.device),
        "backbone": backbone.name,
        "backbone_parameters": sum(p.numel() for p in backbone.model.parameters()),
    }
    if backbone.config.uses_prompt:
        attributes |= settings.prompt.attributes()
    with checkpoint_for(out, attributes, backbone.device) as checkpoint:
        problem = dataclasses.replace(problem, checkpoint=checkpoint)
        write_adaptation(out, problem, method.tune(problem, options), attributes)
        write_record(attributes, out)
        write_resources(out, checkpoint.resumed_from)


def prepare(settings: TuneSettings, data: Path, backbone_file: Path) -> "TuningProblem":
    """Tuning problem of a cell, read from its files; TrajpromptError if they do not fit."""
    from trajprompt.artifacts.atomic import require_file
    from trajprompt.models.backbone import load_backbone
    from trajprompt.tasks.registry import get_suite
    from trajprompt.trajectories.store import open_tasks
    from trajprompt.tuning.problem import build_problem, tasks_read

    require_file(backbone_file, "trajprompt pretrain")
    backbone = load_backbone(backbone_file, settings.device)
    if backbone.suite != settings.suite:
        found, expected = f"found suite {backbone.suite}", f"suite {settings.suite}"
        remedy = "give the backbone of this suite with --backbone-file"
        raise TrajpromptError(backbone_file, found, expected, remedy)
    suite = get_suite(settings.suite)
    buffers = open_tasks(data, tasks_read(settings), suite)
    return build_problem(settings, suite, buffers, backbone)


if __name__ == "__main__":
    raise SystemExit(run_stage(main))
