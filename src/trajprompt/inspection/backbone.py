"""Description of a backbone file; only the safetensors header is read."""

import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trajprompt.inspection import text
from trajprompt.models.header import REMEDY, Entry, read_header
from trajprompt.settings.kinds import LEARNED_KINDS
from trajprompt.settings.parsing import json_object

MODEL = "model"  # first part of the names of the model's tensors


def describe(path: Path) -> list[str]:
    """Sections that ``trajprompt inspect`` prints for a backbone."""
    tensors, metadata = read_header(path)
    rows = [
        (name, str(entry.shape), entry.dtype, math.prod(entry.shape))
        for name, entry in sorted(tensors.items())
    ]
    counts = _counts(tensors)
    shown = {name: f"{count:,}" for name, count in counts.items()}
    policy = _policy(path, metadata, counts[MODEL])
    return [
        *([text.section("policy of an offline algorithm", policy)] if policy else []),
        text.section("attributes", text.attributes(metadata)),
        text.section("tensors", text.table(("name", "shape", "dtype", "values"), rows)),
        text.section("parameters", text.attributes(shown)),
    ]


def _counts(tensors: Mapping[str, Entry]) -> Counter[str]:
    """Values of all tensors, by the first part of their names."""
    totals: Counter[str] = Counter()
    for name, entry in tensors.items():
        totals[name.split(".")[0]] += math.prod(entry.shape)
    return totals


def _policy(path: Path, metadata: Mapping[str, str], parameters: int) -> list[str]:
    """What and how an offline algorithm learned; empty for other backbones."""
    found = json_object(metadata.get("trajprompt", "{}"), f"{path}: metadata", REMEDY)
    kind = found.get("backbone_kind")
    if kind not in LEARNED_KINDS:
        return []
    made = found.get("settings", "{}")
    settings = json_object(made, f"{path}: metadata.settings", REMEDY)
    values = [
        ("algorithm", found.get("backbone")),
        ("kind", kind),
        ("suite", found.get("suite")),
        ("seed", settings.get("seed")),
        ("updates", settings.get("updates")),
        ("options", _options(settings.get("options"), kind)),
        ("parameters", f"{parameters:,}"),
    ]
    return [f"{name}: {text.printable(value)}" for name, value in values]


def _options(options: Any, kind: object) -> str:
    given = options.items() if isinstance(options, dict) else ()
    return ", ".join([*(f"{n} {v}" for n, v in given), f"others: defaults of {kind}"])
