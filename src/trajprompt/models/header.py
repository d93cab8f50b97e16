"""Header of a safetensors file, checked against the file before tensors are read."""

import math
from pathlib import Path
from typing import Any, NamedTuple

from trajprompt.errors import TrajpromptError
from trajprompt.settings.parsing import json_object

# Bytes. The length comes from the file, so it is bounded by what a large model needs.
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
REMEDY = "recreate it with `trajprompt pretrain` or `trajprompt learn`"


class Entry(NamedTuple):
    """Type and shape of a tensor."""

    dtype: str  # a key of DTYPE_BYTES
    shape: tuple[int, ...]


def read_header(
    path: Path, remedy: str = REMEDY
) -> tuple[dict[str, Entry], dict[str, str]]:
    """Tensors and metadata of a file; raises TrajpromptError if it is incomplete."""
    size = path.stat().st_size
    with path.open("rb") as handle:
        length = int.from_bytes(handle.read(8), "little")
        if not 2 <= length <= min(LARGEST_HEADER, size - 8):
            found = f"found a header of {length} bytes in a file of {size} bytes"
            expected = f"a complete file, with a header of at most {LARGEST_HEADER} bytes"
            raise TrajpromptError(path, found, expected, remedy)
        raw = handle.read(length)
    where = f"{path}: header"
    described = json_object(raw, where, remedy)
    metadata = described.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(map(_is_text, metadata.values())):
        found, expected = "found invalid metadata", "text values, by name"
        raise TrajpromptError(where, found, expected, remedy)
    ends = [0]
    entries = {
        name: _entry(where, name, found, ends, remedy) for name, found in described.items()
    }
    if 8 + length + max(ends) != size:
        expected = f"{8 + length + max(ends)} bytes, according to its header"
        raise TrajpromptError(path, f"found {size} bytes", expected, remedy)
    return entries, metadata


def _entry(where: str, name: str, found: Any, ends: list[int], remedy: str) -> Entry:
    """Parse and check one tensor's entry; append the end of its bytes to ``ends``."""
    match found:
        case {"dtype": str(dtype), "shape": [*shape], "data_offsets": [first, end]}:
            sizes = all(type(n) is int and n >= 0 for n in (*shape, first, end))
            fits = dtype in DTYPE_BYTES and sizes
            if fits and math.prod(shape) * DTYPE_BYTES[dtype] == end - first:
                ends.append(end)
                return Entry(dtype, tuple(shape))
    text, expected = f"found {found!r:.160}", "a type, a shape and their number of bytes"
    raise TrajpromptError(f"{where}: {name[:80]}", text, expected, remedy)


def _is_text(value: object) -> bool:
    return isinstance(value, str)
