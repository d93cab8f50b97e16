"""Checks of HDF5 files, which may be damaged, unrelated or malicious, before reading.

A valid file is a tree of groups and numeric datasets. All data are in the file itself, and
no dataset claims more bytes than its stored bytes can expand to. Errors of libhdf5 become
TrajpromptErrors.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trajprompt.artifacts.hdf5_attributes import check_attributes, get_text
from trajprompt.errors import TrajpromptError

if TYPE_CHECKING:
    import h5py

SIGNATURE = b"\x89HDF\r\n\x1a\n"
# Superblock versions with checksums on metadata; libver="latest" writes them. In older
# versions, a flipped bit has unpredictable effects in libhdf5.
CHECKED_SUPERBLOCKS = (2, 3)
# Errors raised by h5py on damaged files, and by operations on damaged values.
DAMAGE = (
    OSError,
    LookupError,
    RuntimeError,
    ValueError,
    TypeError,
    AttributeError,
    ArithmeticError,
)
# HDF5 filter number -> largest number of bytes that one stored byte can expand to.
EXPANSION = {1: 1040, 2: 1, 3: 1, 32000: 100}
FILTERS = "1 (deflate), 2 (shuffle), 3 (fletcher32), 32000 (LZF)"  # keys of EXPANSION
# Above SMALL bytes, data may expand at most 4 times: measured values do not compress
# better. A file that claims more is meant to exhaust memory.
SMALL, LARGEST_EXPANSION = 2**28, 4
MAX_DEPTH = 16  # levels of nested groups
NUMERIC_KINDS = "biuf"  # bool, integers, floats
TYPE_NAMES = {"b": "bool", "i": "int", "u": "unsigned int", "f": "float"}


@contextmanager
def open_hdf5(path: str | Path, kind: str, remedy: str) -> Iterator["h5py.File"]:
    """Open a file of the given ``kind``, checked by `check_tree`, for a block.

    Errors of the block that a damaged file can cause become TrajpromptErrors.
    """
    with damage_refused(path, kind, remedy), open_checked(path, kind, remedy) as file:
        yield file


@contextmanager
def damage_refused(path: str | Path, kind: str, remedy: str) -> Iterator[None]:
    """Convert errors that a damaged file can cause to TrajpromptErrors naming ``path``."""
    try:
        yield
    except DAMAGE as error:
        found = f"damaged or not HDF5 ({error})"
        raise TrajpromptError(path, found, f"an intact {kind} file", remedy) from error


def open_checked(path: str | Path, kind: str, remedy: str) -> "h5py.File":
    """Open a file of the given ``kind``, checked by `check_tree`; the caller closes it."""
    import h5py

    from trajprompt.artifacts.provenance import SCHEMA_VERSION

    with damage_refused(path, kind, remedy), ExitStack() as stack:
        _check_start(Path(path), remedy)
        file = stack.enter_context(h5py.File(path, "r"))
        check_attributes(file, path, remedy)
        expected = {"kind": kind, "schema_version": str(SCHEMA_VERSION)}
        for name, value in expected.items():
            found = get_text(file, name)
            if found != value:
                what = name.replace("_", " ")
                found = f"found an HDF5 file of {what} {found}"
                raise TrajpromptError(path, found, f"{what} {value}", remedy)
        check_tree(file, path, remedy)
        stack.pop_all()
    return file


def kind_of(path: Path) -> str | None:
    """Value of the attribute ``kind``; raises TrajpromptError if the file is damaged."""
    import h5py

    remedy = "run the command that made it again"
    try:
        _check_start(path, remedy)
        with h5py.File(path, "r") as file:
            check_attributes(file, path, remedy)
            return get_text(file, "kind")
    except DAMAGE as error:
        found = f"damaged or not HDF5 ({error})"
        raise TrajpromptError(path, found, "an intact HDF5 file", remedy) from error


def require_dataset(
    group: "h5py.Group",
    name: str,
    where: object,
    remedy: str,
    kinds: str,
    shape: Sequence[int | None],
) -> "h5py.Dataset":
    """Return the dataset ``name``; raise unless its type and shape are as expected.

    ``kinds`` are NumPy's type letters; None in ``shape`` allows any size.
    """
    dataset = group.get(name)
    found = getattr(dataset, "shape", None)
    place, size = f"{where}/{name}", f"({', '.join(str(n or 'any') for n in shape)})"
    if dataset is None or found is None:
        expected = f"an array of shape {size}"
        raise TrajpromptError(place, "no such dataset", expected, remedy)
    fits = len(found) == len(shape) and all(
        required in (None, actual) for required, actual in zip(shape, found, strict=True)
    )
    if not fits or dataset.dtype.kind not in kinds:
        types = " or ".join(TYPE_NAMES[kind] for kind in kinds)
        actual = f"found type {dataset.dtype}, shape {found}"
        raise TrajpromptError(place, actual, f"type {types}, shape {size}", remedy)
    return dataset


def check_tree(file: "h5py.File", path: str | Path, remedy: str) -> None:
    """Raise unless the file is a tree of groups and plausible numeric datasets."""
    import h5py

    seen, waiting, memory, stored = set(), [file["/"]], 0, 0
    file_size = file.id.get_filesize()
    while waiting:
        group = waiting.pop()
        for name in group:
            where = f"{path}:{group.name.rstrip('/')}/{name}"
            if where.count("/") - str(path).count("/") > MAX_DEPTH:
                found, expected = "groups nested too deeply", f"at most {MAX_DEPTH} levels"
                raise TrajpromptError(path, found, expected, remedy)
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                found = "found a soft or external link"
                raise TrajpromptError(where, found, "data in this file", remedy)
            item = group[name]
            if item in seen:
                found = "found a second link to the same group or array"
                raise TrajpromptError(where, found, "one link to each", remedy)
            seen.add(item)
            check_attributes(item, where, remedy)
            if isinstance(item, h5py.Group):
                waiting.append(item)
                continue
            in_memory, in_file = check_dataset(item, where, remedy)
            memory, stored = memory + in_memory, stored + in_file
    if stored > file_size or memory > max(SMALL, LARGEST_EXPANSION * file_size):
        found = f"arrays claim {memory} bytes and store {stored} of {file_size} bytes"
        raise TrajpromptError(path, found, "an intact file", remedy)


def check_dataset(dataset: Any, where: str, remedy: str = "") -> tuple[int, int]:
    """Size of a dataset in memory and in the file, in bytes; raises if implausible."""
    import h5py

    if not isinstance(dataset, h5py.Dataset) or dataset.shape is None:
        found = "found neither a group nor an array"
        raise TrajpromptError(where, found, "a group or an array", remedy)
    plan, dtype = dataset.id.get_create_plist(), dataset.dtype
    if plan.get_layout() == h5py.h5d.VIRTUAL or plan.get_external_count():
        found = "found data in another file"
        raise TrajpromptError(where, found, "data in this file", remedy)
    if dtype.kind not in NUMERIC_KINDS or dtype.itemsize > 8:
        raise TrajpromptError(where, f"found type {dtype}", "numbers", remedy)
    claimed = math.prod(dataset.shape) * dtype.itemsize
    if dataset.chunks:
        claimed = max(claimed, math.prod(dataset.chunks) * dtype.itemsize)
    stored = dataset.id.get_storage_size()
    filters = [plan.get_filter(index)[0] for index in range(plan.get_nfilters())]
    if not set(filters) <= set(EXPANSION):
        found, expected = f"found HDF5 filters {filters}", f"only {FILTERS}"
        raise TrajpromptError(where, found, expected, remedy)
    limit = stored * math.prod(EXPANSION[code] for code in filters)
    if claimed > min(limit, max(SMALL, LARGEST_EXPANSION * stored)):
        found = f"the array claims {claimed} bytes and stores {stored}"
        raise TrajpromptError(where, found, "an intact dataset", remedy)
    return claimed, stored


def _check_start(path: Path, remedy: str) -> None:
    with path.open("rb") as handle:
        start = handle.read(len(SIGNATURE) + 1)
    if not start.startswith(SIGNATURE) or len(start) == len(SIGNATURE):
        found = "damaged or not HDF5 (it does not start with the HDF5 signature)"
        raise TrajpromptError(path, found, "an HDF5 file", remedy)
    if start[-1] not in CHECKED_SUPERBLOCKS:
        found = f"found HDF5 without checksums (superblock version {start[-1]})"
        expected = f"superblock version {' or '.join(map(str, CHECKED_SUPERBLOCKS))}"
        raise TrajpromptError(path, found, expected, remedy)


def create_array(group: "h5py.Group", name: str, values: Any) -> "h5py.Dataset":
    """Create a dataset, with checksums unless it is empty or a scalar."""
    return group.create_dataset(name, data=values, fletcher32=values.size > 0 < values.ndim)
