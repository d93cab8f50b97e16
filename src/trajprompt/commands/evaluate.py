"""Stage 4: play adapted prompts on fresh episodes; one CSV row per episode."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trajprompt.commands.arguments import cell_arguments, read_cell_settings, stage_parser
from trajprompt.commands.process import run_stage
from trajprompt.errors import TrajpromptError
from trajprompt.settings.parsing import json_object
from trajprompt.settings.stages import EvaluateSettings

if TYPE_CHECKING:
    from trajprompt.adaptations.read import StoredAdaptation
    from trajprompt.models.backbone import Backbone

REMEDY = "run `trajprompt tune` again with this backbone"
EXAMPLE = """--config config.yaml presets/smoke.yaml --suite reach \\
    --condition expert --method ptdt-online --seed 0 \\
    --backbone-file results/smoke/2_pretrain/reach/prompt-dt/seed0.safetensors \\
    --adaptation results/smoke/3_tune/reach/expert/ptdt-online/seed0.h5 \\
    --out episodes.csv"""


def main(argv: Sequence[str] | None = None) -> None:
    parser = stage_parser("evaluate", __doc__, EXAMPLE)
    cell_arguments(parser)
    parser.add_argument("--backbone-file", type=Path, required=True, help=".safetensors")
    parser.add_argument("--adaptation", type=Path, required=True, help="of stage 3 (.h5)")
    parser.add_argument("--out", type=Path, required=True, help="episodes (.csv)")
    args = parser.parse_args(argv)
    settings = read_cell_settings(args, EvaluateSettings)
    run(settings, args.backbone_file, args.adaptation, args.out)


def run(
    settings: EvaluateSettings, backbone_file: Path, adaptation: Path, out: Path
) -> None:
    """Evaluate one cell and write its episodes."""
    from trajprompt.adaptations.read import read_adaptation
    from trajprompt.artifacts.atomic import require_file, write_text
    from trajprompt.artifacts.provenance import provenance
    from trajprompt.artifacts.records import write_record
    from trajprompt.artifacts.resources import write_resources
    from trajprompt.models.backbone import load_backbone
    from trajprompt.rollout.evaluation import evaluate_cell, to_csv

    stored = read_adaptation(adaptation)
    require_file(backbone_file, "trajprompt pretrain")
    backbone = load_backbone(backbone_file, settings.device)
    _check_inputs(settings, backbone_file, backbone, adaptation, stored)
    inputs = [backbone_file, adaptation]
    attributes = provenance("evaluate", dataclasses.asdict(settings), inputs)
    write_text(out, to_csv(evaluate_cell(settings, backbone, stored)))
    write_record(attributes, out)
    write_resources(out)


def _check_inputs(
    settings: EvaluateSettings,
    backbone_file: Path,
    backbone: "Backbone",
    adaptation: Path,
    stored: "StoredAdaptation",
) -> None:
    """Raise unless both files belong to the cell, and the one was made from the other."""
    from trajprompt.artifacts.atomic import file_hash

    if backbone.suite != settings.suite:
        raise TrajpromptError(backbone_file, f"suite {backbone.suite}", settings.suite)
    for name in ("suite", "condition", "method", "seed"):
        found, expected = stored.attributes.get(name), getattr(settings, name)
        if str(found) != str(expected):
            raise TrajpromptError(adaptation, f"{name} {found}", f"{name} {expected}")
    tuned_on = str(stored.attributes.get("backbone"))
    if tuned_on != backbone.name:
        found = f"tuned on backbone {tuned_on}"
        raise TrajpromptError(adaptation, found, backbone.name)
    _check_prompts(adaptation, stored, backbone)
    # path -> hash
    inputs = json_object(stored.attributes.get("inputs"), f"{adaptation}: inputs", REMEDY)
    given = file_hash(backbone_file)
    if given not in inputs.values():  # files may have moved since; contents may not
        made_from = ", ".join(f"{path} ({known})" for path, known in inputs.items())
        expected = f"made from {backbone_file} ({given})"
        raise TrajpromptError(adaptation, f"made from {made_from}", expected, REMEDY)


def _check_prompts(
    adaptation: Path, stored: "StoredAdaptation", backbone: "Backbone"
) -> None:
    """Raise unless there are prompts of the backbone's sizes, or none where it has none."""
    prompts, config = stored.last, backbone.config
    found = (
        None if prompts is None else (prompts.states.shape[-1], prompts.actions.shape[-1])
    )
    wanted = (config.state_dim, config.action_dim) if config.uses_prompt else None
    if found != wanted:
        where = f"{adaptation}: prompts"
        raise TrajpromptError(where, f"state, action dims {found}", f"{wanted}", REMEDY)


if __name__ == "__main__":
    raise SystemExit(run_stage(main))
