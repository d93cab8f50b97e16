"""The header of a safetensors file, checked against the file before anything is read."""

import math
from pathlib import Path
from typing import Any, NamedTuple

from trajprompt.errors import TrajpromptError
from trajprompt.settings.parsing import json_object

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


class Entry(NamedTuple):
    dtype: str  # a key of DTYPE_BYTES
    shape: tuple[int, ...]


def read_header(path: Path) -> tuple[dict[str, Entry], dict[str, str]]:
    """Tensors and metadata of a whole file."""
    held = path.stat().st_size
    with path.open("rb") as handle:
        length = int.from_bytes(handle.read(8), "little")
        if not 2 <= length <= min(LARGEST_HEADER, held - 8):
            found = f"a header of {length} bytes in a file of {held}"
            expected = f"a whole safetensors file, header at most {LARGEST_HEADER}"
            raise TrajpromptError(path, found, expected, REMEDY)
        raw = handle.read(length)
    where = f"{path}: header"
    described = json_object(raw, where, REMEDY)
    metadata = described.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(map(_is_text, metadata.values())):
        raise TrajpromptError(where, "odd metadata", "names and texts", REMEDY)
    ends = [0]
    entries = {name: _entry(where, name, found, ends) for name, found in described.items()}
    if 8 + length + max(ends) != held:
        expected = (
            f"a whole safetensors file of {8 + length + max(ends)}, as its header says"
        )
        raise TrajpromptError(path, f"{held} bytes", expected, REMEDY)
    return entries, metadata


def _entry(where: str, name: str, found: Any, ends: list[int]) -> Entry:
    """One tensor, if type and shape fit its place; ``ends`` gets where its bytes end."""
    match found:
        case {"dtype": str(dtype), "shape": [*shape], "data_offsets": [first, end]}:
            sizes = all(type(n) is int and n >= 0 for n in (*shape, first, end))
            fits = dtype in DTYPE_BYTES and sizes
            if fits and math.prod(shape) * DTYPE_BYTES[dtype] == end - first:
                ends.append(end)
                return Entry(dtype, tuple(shape))
    expected = "a type, a shape and as many bytes as they need"
    raise TrajpromptError(f"{where}: {name[:80]}", f"{found!r:.160}", expected, REMEDY)


def _is_text(value: object) -> bool:
    return isinstance(value, str)
