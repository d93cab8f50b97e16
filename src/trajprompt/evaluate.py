"""Stage 4: play adapted prompts on fresh episodes; one CSV row per episode."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trajprompt.errors import TrajpromptError, run_stage
from trajprompt.settings import (
    EvaluateSettings,
    read_settings,
    stage_arguments,
    stage_parser,
)

if TYPE_CHECKING:
    from trajprompt.models.backbone import Backbone
    from trajprompt.tuning.adaptation import StoredAdaptation

REMEDY = "run `trajprompt tune` again with this backbone"
EXAMPLE = """--config config.yaml presets/smoke.yaml --suite reach \\
    --setting expert --method ptdt-online --seed 0 \\
    --backbone-file results/smoke/2_pretrain/reach/prompt-dt/seed0.safetensors \\
    --adaptation results/smoke/3_tune/reach/expert/ptdt-online/seed0.h5 \\
    --out episodes.csv"""


def main(argv: Sequence[str] | None = None) -> None:
    parser = stage_parser("evaluate", __doc__, EXAMPLE)
    parser.add_argument("--suite", required=True)
    parser.add_argument("--setting", required=True)
    parser.add_argument("--method", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--backbone-file", type=Path, required=True, help=".safetensors")
    parser.add_argument("--adaptation", type=Path, required=True, help="of stage 3 (.h5)")
    parser.add_argument("--out", type=Path, required=True, help="episodes (.csv)")
    stage_arguments(parser)
    args = parser.parse_args(argv)
    names = ("suite", "setting", "method", "seed")
    coordinates = {name: getattr(args, name) for name in names}
    settings = read_settings(args, EvaluateSettings, **coordinates)
    run(settings, args.backbone_file, args.adaptation, args.out)


def run(
    settings: EvaluateSettings, backbone_file: Path, adaptation: Path, out: Path
) -> None:
    """Evaluate one cell and write its episodes."""
    from trajprompt.artifacts import require_file, write_text
    from trajprompt.models.backbone import load_backbone
    from trajprompt.rollout.evaluation import evaluate_cell, to_csv
    from trajprompt.tuning.adaptation import read_adaptation

    stored = read_adaptation(adaptation)
    require_file(backbone_file, "trajprompt pretrain")
    backbone = load_backbone(backbone_file, settings.device)
    _check_inputs(settings, backbone_file, backbone, adaptation, stored)
    write_text(out, to_csv(evaluate_cell(settings, backbone, stored)))


def _check_inputs(
    settings: EvaluateSettings,
    backbone_file: Path,
    backbone: "Backbone",
    adaptation: Path,
    stored: "StoredAdaptation",
) -> None:
    """Raise unless both files belong to the cell, and the one was made from the other."""
    from trajprompt.artifacts import file_hash

    if backbone.suite != settings.suite:
        raise TrajpromptError(backbone_file, f"suite {backbone.suite}", settings.suite)
    for name in ("suite", "setting", "method", "seed"):
        found, expected = stored.attributes[name], getattr(settings, name)
        if found != expected:
            raise TrajpromptError(adaptation, f"{name} {found}", f"{name} {expected}")
    if stored.attributes["backbone"] != backbone.name:
        found = f"tuned on backbone {stored.attributes['backbone']}"
        raise TrajpromptError(adaptation, found, backbone.name)
    inputs = json.loads(stored.attributes["inputs"])  # path -> hash
    given = file_hash(backbone_file)
    if given not in inputs.values():  # files may have moved since; contents may not
        made_from = ", ".join(f"{path} ({known})" for path, known in inputs.items())
        expected = f"made from {backbone_file} ({given})"
        raise TrajpromptError(adaptation, f"made from {made_from}", expected, REMEDY)


if __name__ == "__main__":
    raise SystemExit(run_stage(main, usage=True))
