"""Description of a backbone file; only the safetensors header is read."""

import math
from collections import Counter
from pathlib import Path

from trajprompt.inspection import text
from trajprompt.models.header import read_header


def _with_commas(totals: Counter[str]) -> dict[str, str]:
    return {name: f"{count:,}" for name, count in totals.items()}


def describe(path: Path) -> list[str]:
    """Sections that ``trajprompt inspect`` prints for a backbone."""
    tensors, metadata = read_header(path)
    totals: Counter[str] = Counter()
    for name, entry in tensors.items():
        totals[name.split(".")[0]] += math.prod(entry.shape)
    rows = [
        (name, str(entry.shape), entry.dtype, math.prod(entry.shape))
        for name, entry in sorted(tensors.items())
    ]
    return [
        text.section("attributes", text.attributes(metadata)),
        text.section("tensors", text.table(("name", "shape", "dtype", "values"), rows)),
        text.section("parameters", text.attributes(_with_commas(totals))),
    ]
