"""What a backbone file says of itself: only the safetensors header is read."""

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

from trajprompt.errors import TrajpromptError
from trajprompt.inspection import text

# The length field comes from the file: believe no more than a large model's header needs.
LARGEST_HEADER = 16 * 2**20
DTYPE_BYTES = {
    "F64": 8,
    "F32": 4,
    "F16": 2,
    "BF16": 2,
    "I64": 8,
    "I32": 4,
    "U8": 1,
    "BOOL": 1,
}
REMEDY = "make it again with `trajprompt pretrain`"


def read_header(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Tensors (name -> dtype, shape, data_offsets) and metadata of a whole file."""
    held = path.stat().st_size
    with path.open("rb") as handle:
        length = int.from_bytes(handle.read(8), "little")
        if not 2 <= length <= min(LARGEST_HEADER, held - 8):
            found = f"a header of {length} bytes in a file of {held}"
            raise TrajpromptError(
                path, found, f"at most {LARGEST_HEADER} and whole", REMEDY
            )
        raw = handle.read(length)
    try:
        tensors = json.loads(raw)
        metadata = tensors.pop("__metadata__", {})
        end = max((_end(entry) for entry in tensors.values()), default=0)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        found = f"a damaged header ({text.printable(error)})"
        raise TrajpromptError(path, found, "a safetensors header", REMEDY) from error
    if 8 + length + end != held:
        found = f"{held} bytes"
        raise TrajpromptError(
            path, found, f"{8 + length + end}, as the header says", REMEDY
        )
    return tensors, metadata


def _end(entry: dict[str, Any]) -> int:
    """Where a tensor's bytes end, if its type and shape fit its place; else ValueError."""
    first, end = entry["data_offsets"]
    if min(entry["shape"], default=0) < 0 or first < 0:
        raise ValueError("negative size")
    if math.prod(entry["shape"]) * DTYPE_BYTES[entry["dtype"]] != end - first:
        raise ValueError(f"{entry['dtype']} {entry['shape']} in {end - first} bytes")
    return end


def _with_commas(totals: Counter[str]) -> dict[str, str]:
    return {name: f"{count:,}" for name, count in totals.items()}


def describe(path: Path) -> list[str]:
    """The sections that ``trajprompt inspect`` prints for a backbone."""
    tensors, metadata = read_header(path)
    totals: Counter[str] = Counter()
    for name, entry in tensors.items():
        totals[name.split(".")[0]] += math.prod(entry["shape"])
    rows = [
        (name, str(tuple(entry["shape"])), entry["dtype"], math.prod(entry["shape"]))
        for name, entry in sorted(tensors.items())
    ]
    return [
        text.section("attributes", text.attributes(metadata)),
        text.section("tensors", text.table(("name", "shape", "dtype", "values"), rows)),
        text.section("parameters", text.attributes(_with_commas(totals))),
    ]
