"""Stage 4: play the tuned prompts of one method on fresh episodes of its test tasks."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trajprompt.commands.arguments import (
    ADAPTATION,
    BACKBONE,
    CELL,
    EPISODES,
    cell_arguments,
    command_parser,
    read_stack,
)
from trajprompt.commands.process import run_stage
from trajprompt.errors import TrajpromptError
from trajprompt.settings.parsing import json_object
from trajprompt.settings.stages import EvaluateSettings

if TYPE_CHECKING:
    from trajprompt.adaptations.read import StoredAdaptation
    from trajprompt.models.backbone import Backbone
    from trajprompt.rollout.evaluation import Entry

REMEDY = "give another --adaptation, or run `trajprompt tune` with this backbone"
EXAMPLE = """--config config.yaml presets/smoke.yaml --suite reach \\
    --condition expert --method ptdt-online --seed 0 \\
    --backbone-file results/smoke/2_pretrain/reach/prompt-dt/seed0.safetensors \\
    --adaptation results/smoke/3_tune/reach/expert/ptdt-online/seed0.h5 \\
    --out episodes.csv"""


def main(argv: Sequence[str] | None = None) -> None:
    parser = command_parser("evaluate", __doc__, EXAMPLE)
    cell_arguments(parser, several_seeds=True)
    file: Any = {"type": Path, "required": True, "metavar": "FILE"}
    files = {"backbone_file": BACKBONE, "adaptation": ADAPTATION, "out": EPISODES}
    for name, text in files.items():
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, nargs="+", **file, help=text)
    args = parser.parse_args(argv)
    settings = read_stack(args, EvaluateSettings, CELL, tuple(files))
    if settings[0].stacked_seeds:
        run_stack(settings, args.backbone_file, args.adaptation, args.out)
    else:
        run(settings[0], args.backbone_file[0], args.adaptation[0], args.out[0])


def run(
    settings: EvaluateSettings, backbone_file: Path, adaptation: Path, out: Path
) -> None:
    """Evaluate one cell; write its episodes and their record."""
    from trajprompt.artifacts.resources import write_resources
    from trajprompt.rollout.evaluation import evaluate_cell

    backbone, stored = _inputs(settings, backbone_file, adaptation)
    entries = evaluate_cell(settings, backbone, stored)
    _write(settings, backbone, entries, [backbone_file, adaptation], out)
    write_resources(out)


def run_stack(
    settings: Sequence[EvaluateSettings],
    backbone_files: Sequence[Path],
    adaptations: Sequence[Path],
    outs: Sequence[Path],
) -> None:
    """Evaluate several seeds of a cell together; write the files of each seed."""
    from trajprompt.artifacts.resources import write_resources
    from trajprompt.rollout.evaluation import evaluate_stack

    jobs = list(zip(settings, backbone_files, adaptations, strict=True))
    cells = [(job[0], *_inputs(*job)) for job in jobs]
    found = zip(jobs, cells, evaluate_stack(cells), outs, strict=True)
    for (one, *inputs), (_, backbone, _), entries, out in found:
        _write(one, backbone, entries, inputs, out)
    for out in outs:
        write_resources(out, outputs=len(outs))


def _inputs(
    settings: EvaluateSettings, backbone_file: Path, adaptation: Path
) -> "tuple[Backbone, StoredAdaptation]":
    """Read the files of a cell; TrajpromptError if they do not fit."""
    from trajprompt.adaptations.read import read_adaptation
    from trajprompt.artifacts.atomic import require_file
    from trajprompt.models.backbone import load_backbone

    stored = read_adaptation(adaptation)
    require_file(backbone_file, "trajprompt pretrain")
    backbone = load_backbone(backbone_file, settings.device)
    _check_inputs(settings, backbone_file, backbone, adaptation, stored)
    return backbone, stored


def _write(
    settings: EvaluateSettings,
    backbone: "Backbone",
    entries: "list[Entry]",
    inputs: Sequence[Path],
    out: Path,
) -> None:
    """Write the episodes of a cell and their record."""
    from trajprompt.artifacts.atomic import write_text
    from trajprompt.artifacts.provenance import provenance
    from trajprompt.artifacts.records import write_record
    from trajprompt.numerics.device import precision_name
    from trajprompt.rollout.evaluation import to_csv
    from trajprompt.settings.engine import used_engine

    attributes = provenance("evaluate", dataclasses.asdict(settings), inputs)
    device = backbone.device
    attributes["precision"] = precision_name(settings.precision, device)
    attributes["engine"] = used_engine(settings.engine, device.type, settings.stacked_seeds)
    write_text(out, to_csv(entries))
    write_record(attributes, out)


def _check_inputs(
    settings: EvaluateSettings,
    backbone_file: Path,
    backbone: "Backbone",
    adaptation: Path,
    stored: "StoredAdaptation",
) -> None:
    """Raise TrajpromptError unless both files are of this cell and backbone."""
    from trajprompt.artifacts.atomic import file_hash

    if backbone.suite != settings.suite:
        found, expected = f"found suite {backbone.suite}", f"suite {settings.suite}"
        remedy = "give the backbone of this suite with --backbone-file"
        raise TrajpromptError(backbone_file, found, expected, remedy)
    for name in ("suite", "condition", "method", "seed"):
        of_file, expected = stored.attributes.get(name), getattr(settings, name)
        if str(of_file) != str(expected):
            found, remedy = f"found {name} {of_file}", f"change --adaptation or --{name}"
            raise TrajpromptError(adaptation, found, f"{name} {expected}", remedy)
    tuned_on = str(stored.attributes.get("backbone"))
    if tuned_on != backbone.name:
        found, expected = f"tuned on backbone {tuned_on}", f"backbone {backbone.name}"
        raise TrajpromptError(adaptation, f"found {found}", expected, REMEDY)
    _check_prompts(adaptation, stored, backbone)
    # path -> hash, of the files that the adaptation was made from
    inputs = json_object(stored.attributes.get("inputs"), f"{adaptation}: inputs", REMEDY)
    given = file_hash(backbone_file)
    if given not in inputs.values():  # files may have moved, so only hashes count
        made_from = ", ".join(f"{path} ({known})" for path, known in inputs.items())
        expected = f"one made from {backbone_file} ({given})"
        found = f"found an adaptation made from {made_from}"
        raise TrajpromptError(adaptation, found, expected, REMEDY)


def _check_prompts(
    adaptation: Path, stored: "StoredAdaptation", backbone: "Backbone"
) -> None:
    """Raise TrajpromptError unless the prompts have the dimensions the backbone reads.

    A backbone without prompts needs an adaptation without prompts.
    """
    prompts, config = stored.last, backbone.config
    found = (
        None if prompts is None else (prompts.states.shape[-1], prompts.actions.shape[-1])
    )
    expected = (config.state_dim, config.action_dim) if config.uses_prompt else None
    if found != expected:
        texts = f"found {_dimensions(found)}", _dimensions(expected)
        raise TrajpromptError(f"{adaptation}: prompts", *texts, REMEDY)


def _dimensions(sizes: tuple[int, int] | None) -> str:
    """Description of the state and action dimensions of prompts, or of their absence."""
    if sizes is None:
        return "no prompts"
    return f"prompts of {sizes[0]} state and {sizes[1]} action dimensions"


if __name__ == "__main__":
    raise SystemExit(run_stage(main))
