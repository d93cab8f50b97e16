"""Stage 2: train one backbone on the training tasks of a suite, for one seed."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trajprompt.artifacts.csv_files import csv_text
from trajprompt.commands.arguments import (
    SUITE,
    TRAJECTORIES,
    command_parser,
    read_settings,
    stage_arguments,
)
from trajprompt.commands.process import run_stage
from trajprompt.settings.stages import PretrainSettings

if TYPE_CHECKING:
    from trajprompt.models.training import CurvePoint

EXAMPLE = """--config config.yaml presets/smoke.yaml --suite reach \\
    --backbone prompt-dt --seed 0 --data results/smoke/1_collect/reach/trajectories.h5 \\
    --out backbone.safetensors --curve curve.csv"""


def main(argv: Sequence[str] | None = None) -> None:
    parser = command_parser("pretrain", __doc__, EXAMPLE)
    parser.add_argument("--suite", required=True, help=SUITE)
    parser.add_argument(
        "--backbone",
        required=True,
        help="backbone to train: prompt-dt, prompt-mt-bc, mt-orl or a name under backbones"
        " in the config",
    )
    seed = "seed of the training, an integer, e.g. 0"
    parser.add_argument("--seed", type=int, required=True, help=seed)
    for name, text in (
        ("--data", TRAJECTORIES),
        ("--out", "backbone to write (.safetensors)"),
        ("--curve", "training curve to write (.csv): loss (squared action) by step"),
    ):
        parser.add_argument(name, type=Path, required=True, metavar="FILE", help=text)
    stage_arguments(parser)
    args = parser.parse_args(argv)
    coordinates = {name: getattr(args, name) for name in ("suite", "backbone", "seed")}
    settings = read_settings(args, PretrainSettings, **coordinates)
    run(settings, args.data, args.out, args.curve)


def run(settings: PretrainSettings, data: Path, out: Path, curve: Path) -> None:
    """Train a backbone; write it, its training curve and their record."""
    from trajprompt.artifacts.atomic import require_file, write_text
    from trajprompt.artifacts.checkpoint import checkpoint_for
    from trajprompt.artifacts.provenance import provenance
    from trajprompt.artifacts.records import write_record
    from trajprompt.artifacts.resources import write_resources
    from trajprompt.models.backbone import save_backbone
    from trajprompt.models.pretraining import pretrain
    from trajprompt.numerics.device import precision_name, resolve_device

    require_file(data, "trajprompt collect")
    attributes = provenance("pretrain", dataclasses.asdict(settings), [data])
    device = resolve_device(settings.device)
    attributes["precision"] = precision_name(settings.training.precision, device)
    with checkpoint_for(out, attributes, device) as checkpoint:
        backbone, points = pretrain(settings, data, device, checkpoint, out.parent)
        form = settings.prompt.attributes() if backbone.config.uses_prompt else {}
        save_backbone(out, backbone, {**attributes, **form})
        write_text(curve, curve_csv(points))
        write_record(attributes, out, curve)
        write_resources(out, checkpoint.resumed_from)


def curve_csv(points: "Sequence[CurvePoint]") -> str:
    """CSV with one row per point; losses are mean squared errors of actions."""
    columns = ("train_loss", "validation_loss", "learning_rate")
    rows = [
        {"step": point.step, **{name: f"{getattr(point, name):.6g}" for name in columns}}
        for point in points
    ]
    return csv_text(["step", *columns], rows)


if __name__ == "__main__":
    raise SystemExit(run_stage(main))
