"""Foreign HDF5 files: what they claim is checked before any of it is read."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from trajprompt.artifacts.hdf5_checks import DAMAGE, LARGEST_EXPANSION, check_dataset
from trajprompt.errors import TrajpromptError
from trajprompt.exchange.sources import require_source

if TYPE_CHECKING:
    import h5py

MEMORY = 2**29  # bytes, besides what grows with the file


@contextmanager
def opened(path: Path) -> Iterator["h5py.File"]:
    """The open file; whatever HDF5 dislikes becomes a TrajpromptError naming it."""
    import h5py

    require_source(path)
    try:
        with limited_memory(path), h5py.File(path, "r") as file:
            yield file
    except (*DAMAGE, MemoryError) as error:
        found = f"damaged or not HDF5 ({str(error)[:200]})"
        if "alloc" in str(error).lower():
            found = "more memory asked for than a file of its size may need"
        raise TrajpromptError(path, found, "a whole HDF5 file") from error


@contextmanager
def limited_memory(path: Path) -> Iterator[None]:
    """Let this process grow by what the file may need at most, where the system can.

    Old files have no checksums, and libhdf5 allocates what a damaged one says.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (OSError, ValueError):  # not Linux
        yield
        return
    room = MEMORY + 4 * LARGEST_EXPANSION * path.stat().st_size
    most = pages * resource.getpagesize() + room
    if soft != resource.RLIM_INFINITY:
        most = min(most, soft)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def array(file: "h5py.File", name: str, path: Path) -> np.ndarray:
    """The dataset ``name`` of numbers, read whole; it lies in the file itself."""
    import h5py

    where = f"{path}:/{name}"
    link = file.get(name, getlink=True)
    if link is None:
        raise TrajpromptError(where, "no such dataset", "an array")
    if not isinstance(link, h5py.HardLink):  # it may lead to any file of the machine
        raise TrajpromptError(where, "a soft or external link", "an array")
    dataset = file[name]
    check_dataset(dataset, where)
    return dataset[()]
