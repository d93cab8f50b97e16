"""Stage 2: learn policies from a store by an offline algorithm, one per seed."""

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trajprompt.artifacts.csv_files import csv_text
from trajprompt.commands.arguments import (
    SUITE,
    TRAJECTORIES,
    command_parser,
    read_settings,
    stage_arguments,
)
from trajprompt.commands.process import run_stage
from trajprompt.errors import TrajpromptError
from trajprompt.settings.kinds import CMT
from trajprompt.settings.stages import OfflineSettings

if TYPE_CHECKING:
    import torch

    from trajprompt.artifacts.checkpoint import Checkpoint
    from trajprompt.models.backbone import Backbone
    from trajprompt.offline.pretraining import Curve

EXAMPLE = """--config config.yaml presets/smoke.yaml --suite hopper-medium \\
    --algorithm iql --seed 0 --data results/smoke/1_collect/hopper-medium/trajectories.h5 \\
    --out policy.safetensors --curve curve.csv"""


def main(argv: Sequence[str] | None = None) -> None:
    parser = command_parser("learn", __doc__, EXAMPLE)
    parser.add_argument("--suite", required=True, help=SUITE)
    text = "a name under algorithms in the config, e.g. iql"
    parser.add_argument("--algorithm", required=True, help=text)
    text = "seeds of the learning, integers, e.g. 0 1 2; as many files per option"
    parser.add_argument("--seed", type=int, nargs="+", required=True, help=text)
    file: Any = {"type": Path, "required": True, "metavar": "FILE"}
    parser.add_argument("--data", **file, help=TRAJECTORIES)
    for name, text in (
        ("--out", "policies to write (.safetensors)"),
        ("--curve", "learning curves to write (.csv): losses and return by update"),
    ):
        parser.add_argument(name, nargs="+", **file, help=text)
    stage_arguments(parser)
    args = parser.parse_args(argv)
    _check(args)
    names = {"suite": args.suite, "backbone": args.algorithm, "seed": args.seed[0]}
    first: Any = read_settings(args, OfflineSettings, **names)
    settings = [dataclasses.replace(first, seed=seed) for seed in args.seed]
    run(settings, args.data, args.out, args.curve)


def _check(args: argparse.Namespace) -> None:
    """Raise TrajpromptError unless every seed has files of its own."""
    seeds = len(args.seed)
    if len(set(args.seed)) != seeds:
        found, remedy = f"found {args.seed}", "give every seed once"
        raise TrajpromptError("--seed", found, "different seeds", remedy)
    for name in ("out", "curve"):
        files = getattr(args, name)
        if len(files) != seeds or len(set(files)) != seeds:
            found = f"found {len(set(files))} different files for {seeds} seeds"
            remedy = "give one file per seed, in the order of the seeds"
            raise TrajpromptError(f"--{name}", found, f"{seeds}", remedy)


def run(
    settings: Sequence[OfflineSettings],
    data: Path,
    outs: Sequence[Path],
    curves: Sequence[Path],
) -> None:
    """Learn the policies of all seeds; write the files of each.

    The files of a seed do not depend on the other seeds. The checkpoint is that of all.
    """
    from trajprompt.artifacts.atomic import require_file, write_text
    from trajprompt.artifacts.checkpoint import checkpoint_for
    from trajprompt.artifacts.provenance import provenance
    from trajprompt.artifacts.records import write_record
    from trajprompt.artifacts.resources import write_resources
    from trajprompt.models.backbone import save_backbone
    from trajprompt.numerics.device import resolve_device

    require_file(data, "trajprompt collect")
    attributes = [provenance("learn", dataclasses.asdict(one), [data]) for one in settings]
    device = resolve_device(settings[0].device)
    with checkpoint_for(outs[0], {"seeds": attributes}, device) as checkpoint:
        found = _pretrain(settings, data, device, checkpoint)
        seeds = zip(attributes, found, outs, curves, strict=True)
        for of_seed, (backbone, points), out, curve in seeds:
            save_backbone(out, backbone, of_seed)
            write_text(curve, curve_csv(points))
            write_record(of_seed, out, curve)
        for out in outs:
            write_resources(out, checkpoint.resumed_from, len(outs))


def _pretrain(
    settings: Sequence[OfflineSettings],
    data: Path,
    device: "torch.device",
    checkpoint: "Checkpoint",
) -> "list[tuple[Backbone, Curve]]":
    """The backbone and curve of every seed, by the code of the settings' kind."""
    if settings[0].kind == CMT:
        from trajprompt.offline.cmt.pretraining import pretrain_cmt

        return pretrain_cmt(settings, data, device, checkpoint)
    from trajprompt.offline.pretraining import pretrain_offline

    return pretrain_offline(settings, data, device, checkpoint)


def curve_csv(points: Sequence[dict[str, float]]) -> str:
    """CSV with a row per point; a loss that a point lacks is empty."""
    columns = list(dict.fromkeys(name for point in points for name in point))
    rows = [
        {name: _number(name, point[name]) for name in columns if name in point}
        for point in points
    ]
    return csv_text(columns, rows)


def _number(name: str, value: float) -> str:
    return f"{value:.0f}" if name == "step" else f"{value:.6g}"


if __name__ == "__main__":
    raise SystemExit(run_stage(main))
