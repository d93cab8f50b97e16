"""Stage 2: train one backbone on the training tasks of a suite, for one seed."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trajprompt.artifacts.csv_files import csv_text
from trajprompt.commands.arguments import (
    SUITE,
    command_parser,
    read_stack,
    read_stores,
    seeds_argument,
    stage_arguments,
    stores_arguments,
)
from trajprompt.commands.process import run_stage
from trajprompt.settings.stages import PretrainSettings

if TYPE_CHECKING:
    from trajprompt.models.backbone import Backbone
    from trajprompt.models.training import CurvePoint
    from trajprompt.trajectories.demonstrated_task import Stores

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
    seeds_argument(parser, "seed of the training, an integer, e.g. 0")
    file: Any = {"type": Path, "required": True, "metavar": "FILE"}
    stores_arguments(parser)
    for name, text in (
        ("--out", "backbone to write (.safetensors)"),
        ("--curve", "training curve to write (.csv): loss (squared action) by step"),
    ):
        parser.add_argument(name, nargs="+", **file, help=text)
    stage_arguments(parser)
    args = parser.parse_args(argv)
    settings = read_stack(args, PretrainSettings, ("suite", "backbone"), ("out", "curve"))
    if settings[0].stacked_seeds:
        run_stack(settings, read_stores(args), args.out, args.curve)
    else:
        run(settings[0], read_stores(args), args.out[0], args.curve[0])


def run(settings: PretrainSettings, stores: "Stores", out: Path, curve: Path) -> None:
    """Train a backbone; write it, its training curve and their record."""
    from trajprompt.artifacts.atomic import require_file
    from trajprompt.artifacts.checkpoint import checkpoint_for
    from trajprompt.artifacts.provenance import provenance
    from trajprompt.artifacts.resources import write_resources
    from trajprompt.models.pretraining import pretrain
    from trajprompt.numerics.device import precision_name, resolve_device

    for path in stores.files:
        require_file(path, "trajprompt collect")
    attributes = provenance("pretrain", dataclasses.asdict(settings), stores.files)
    device = resolve_device(settings.device)
    attributes["precision"] = precision_name(settings.training.precision, device)
    with checkpoint_for(out, attributes, device) as checkpoint:
        trained = pretrain(settings, stores, device, checkpoint, out.parent)
        _write(settings, attributes, trained, out, curve)
        write_resources(out, checkpoint.resumed_from)


def run_stack(
    settings: Sequence[PretrainSettings],
    stores: "Stores",
    outs: Sequence[Path],
    curves: Sequence[Path],
) -> None:
    """Train a backbone per seed as one stack; write the files of each seed.

    They do not depend on the other seeds. The checkpoint is that of the whole stack.
    """
    from trajprompt.artifacts.atomic import require_file
    from trajprompt.artifacts.checkpoint import checkpoint_for
    from trajprompt.artifacts.provenance import provenance
    from trajprompt.artifacts.resources import write_resources
    from trajprompt.models.stacked_pretraining import pretrain_stack
    from trajprompt.numerics.device import precision_name, resolve_device

    for path in stores.files:
        require_file(path, "trajprompt collect")
    files = stores.files
    attributes = [provenance("pretrain", dataclasses.asdict(o), files) for o in settings]
    device = resolve_device(settings[0].device)
    precision = precision_name(settings[0].training.precision, device)
    attributes = [{**one, "precision": precision} for one in attributes]
    with checkpoint_for(outs[0], {"seeds": attributes}, device) as checkpoint:
        found = pretrain_stack(settings, stores, device, checkpoint, outs[0].parent)
        for seed in zip(settings, attributes, found, outs, curves, strict=True):
            _write(*seed)
        for out in outs:
            write_resources(out, checkpoint.resumed_from, len(outs))


def _write(
    settings: PretrainSettings,
    attributes: dict[str, str],
    trained: "tuple[Backbone, list[CurvePoint]]",
    out: Path,
    curve: Path,
) -> None:
    """Write a backbone, its training curve and their record."""
    from trajprompt.artifacts.atomic import write_text
    from trajprompt.artifacts.records import write_record
    from trajprompt.models.backbone import save_backbone

    backbone, points = trained
    form = settings.prompt.attributes() if backbone.config.uses_prompt else {}
    save_backbone(out, backbone, {**attributes, **form})
    write_text(curve, curve_csv(points))
    write_record(attributes, out, curve)


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
