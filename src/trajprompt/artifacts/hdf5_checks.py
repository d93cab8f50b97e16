"""HDF5 files that may be damaged, foreign or meant to harm: checked before they are read.

A file of ours is a tree of groups and of datasets of numbers, all of it in the file
itself, and none larger than what is stored of it can be. Everything that libhdf5 dislikes
becomes a TrajpromptError.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trajprompt.artifacts.hdf5_attributes import check_attributes, get_text
from trajprompt.errors import TrajpromptError

if TYPE_CHECKING:
    import h5py

SIGNATURE = b"\x89HDF\r\n\x1a\n"
# Superblocks whose metadata carry checksums. In older ones a flipped bit can lead libhdf5
# anywhere; our files are written with libver="latest".
CHECKED_SUPERBLOCKS = (2, 3)
# What h5py raises on damaged files, and what their contents make of plain operations.
DAMAGE = (
    OSError,
    LookupError,
    RuntimeError,
    ValueError,
    TypeError,
    AttributeError,
    ArithmeticError,
)
# Filters (by HDF5's number) and how many bytes one stored byte can become at most.
EXPANSION = {1: 1040, 2: 1, 3: 1, 32000: 100}  # deflate, shuffle, fletcher32, LZF
# Larger files shrink to a quarter at best: their numbers are measured ones. What claims
# more is meant to fill the memory.
SMALL, LARGEST_EXPANSION = 2**28, 4
DEEPEST = 16  # groups in groups
KINDS_OF_NUMBERS = "biuf"  # bool, integers, floats


@contextmanager
def open_hdf5(path: str | Path, kind: str, remedy: str) -> Iterator["h5py.File"]:
    """The open file of the given ``kind``, checked by `check_tree`."""
    import h5py

    from trajprompt.artifacts.provenance import SCHEMA_VERSION

    try:
        _check_start(Path(path), remedy)
        with h5py.File(path, "r") as file:
            check_attributes(file, path, remedy)
            expected = {"kind": kind, "schema_version": str(SCHEMA_VERSION)}
            for name, value in expected.items():
                found = get_text(file, name)
                if found != value:
                    found = f"an HDF5 file of {name.replace('_', ' ')} {found}"
                    raise TrajpromptError(path, found, value, remedy)
            check_tree(file, path, remedy)
            yield file
    except DAMAGE as error:
        found = f"damaged or not HDF5 ({error})"
        raise TrajpromptError(path, found, f"a whole file of {kind}", remedy) from error


def kind_of(path: Path) -> str | None:
    """The kind that an HDF5 file says it is; TrajpromptError if it cannot be read."""
    import h5py

    remedy = "make it again"
    try:
        _check_start(path, remedy)
        with h5py.File(path, "r") as file:
            check_attributes(file, path, remedy)
            return get_text(file, "kind")
    except DAMAGE as error:
        found = f"damaged or not HDF5 ({error})"
        raise TrajpromptError(path, found, "a whole HDF5 file", remedy) from error


def require_dataset(
    group: "h5py.Group",
    name: str,
    where: object,
    remedy: str,
    kinds: str,
    shape: Sequence[int | None],
) -> "h5py.Dataset":
    """The dataset ``name``. ``kinds`` are NumPy's letters; None in ``shape`` is any."""
    dataset = group.get(name)
    found = getattr(dataset, "shape", None)
    place, wanted = f"{where}/{name}", f"({', '.join(str(n or 'any') for n in shape)})"
    if dataset is None or found is None:
        raise TrajpromptError(place, "no such dataset", f"shape {wanted}", remedy)
    fits = len(found) == len(shape) and all(
        size in (None, own) for size, own in zip(shape, found, strict=True)
    )
    if not fits or dataset.dtype.kind not in kinds:
        expected = f"shape {wanted}, type {' or '.join(kinds)}"
        raise TrajpromptError(place, f"{dataset.dtype.str} {found}", expected, remedy)
    return dataset


def check_tree(file: "h5py.File", path: str | Path, remedy: str) -> None:
    """Raise unless the file is a tree of groups and plausible datasets of numbers."""
    import h5py

    seen, waiting, memory, stored = set(), [file["/"]], 0, 0
    held = file.id.get_filesize()
    while waiting:
        group = waiting.pop()
        for name in group:
            where = f"{path}:{group.name.rstrip('/')}/{name}"
            if where.count("/") - str(path).count("/") > DEEPEST:
                raise TrajpromptError(path, "a deep tree", f"{DEEPEST} levels", remedy)
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise TrajpromptError(where, "a soft or external link", "data", remedy)
            item = group[name]
            if item in seen:
                raise TrajpromptError(where, "a second link", "each object once", remedy)
            seen.add(item)
            check_attributes(item, where, remedy)
            if isinstance(item, h5py.Group):
                waiting.append(item)
                continue
            claimed, own = check_dataset(item, where, remedy)
            memory, stored = memory + claimed, stored + own
    if stored > held or memory > max(SMALL, LARGEST_EXPANSION * held):
        found = f"{memory} bytes claimed, {stored} stored in a file of {held}"
        raise TrajpromptError(path, found, "a whole file", remedy)


def check_dataset(dataset: Any, where: str, remedy: str = "") -> tuple[int, int]:
    """Bytes that a dataset takes in memory and in the file; raises if they cannot be."""
    import h5py

    if not isinstance(dataset, h5py.Dataset) or dataset.shape is None:
        raise TrajpromptError(where, "neither group nor array", "an array", remedy)
    plan, dtype = dataset.id.get_create_plist(), dataset.dtype
    if plan.get_layout() == h5py.h5d.VIRTUAL or plan.get_external_count():
        raise TrajpromptError(where, "data of other files", "the data", remedy)
    if dtype.kind not in KINDS_OF_NUMBERS or dtype.itemsize > 8:
        raise TrajpromptError(where, f"type {dtype}", "plain numbers", remedy)
    claimed = math.prod(dataset.shape) * dtype.itemsize
    if dataset.chunks:
        claimed = max(claimed, math.prod(dataset.chunks) * dtype.itemsize)
    stored = dataset.id.get_storage_size()
    filters = [plan.get_filter(index)[0] for index in range(plan.get_nfilters())]
    if not set(filters) <= set(EXPANSION):
        raise TrajpromptError(where, f"filters {filters}", f"among {[*EXPANSION]}", remedy)
    most = stored * math.prod(EXPANSION[code] for code in filters)
    if claimed > min(most, max(SMALL, LARGEST_EXPANSION * stored)):
        found = f"{claimed} bytes claimed, {stored} stored"
        raise TrajpromptError(where, found, "a whole dataset", remedy)
    return claimed, stored


def _check_start(path: Path, remedy: str) -> None:
    with path.open("rb") as handle:
        start = handle.read(len(SIGNATURE) + 1)
    if not start.startswith(SIGNATURE) or len(start) == len(SIGNATURE):
        found = "damaged or not HDF5 (it does not begin with HDF5's signature)"
        raise TrajpromptError(path, found, "an HDF5 file", remedy)
    if start[-1] not in CHECKED_SUPERBLOCKS:
        found = f"HDF5 without checksums (superblock version {start[-1]})"
        expected = f"version {' or '.join(map(str, CHECKED_SUPERBLOCKS))}"
        raise TrajpromptError(path, found, expected, remedy)


def create_array(group: "h5py.Group", name: str, values: Any) -> "h5py.Dataset":
    """A new dataset, with checksums where HDF5 has them: in arrays that hold something."""
    return group.create_dataset(name, data=values, fletcher32=values.size > 0 < values.ndim)
