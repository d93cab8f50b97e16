"""Imported HDF5 files, with checks of size and links before any data are read."""

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

REMEDY = "correct the file or download it again, then import it again"
MEMORY = 2**29  # bytes, in addition to the share that grows with the file


@contextmanager
def opened(path: Path) -> Iterator["h5py.File"]:
    """Open an HDF5 file; its errors become TrajpromptErrors naming ``path``."""
    import h5py

    require_source(path)
    try:
        with limited_memory(path), h5py.File(path, "r") as file:
            yield file
    except (*DAMAGE, MemoryError) as error:
        found = f"damaged or not HDF5 ({str(error)[:200]})"
        if "alloc" in str(error).lower():
            found = "needs more memory than a file of its size may use"
        raise TrajpromptError(path, found, "an intact HDF5 file", REMEDY) from error


@contextmanager
def limited_memory(path: Path) -> Iterator[None]:
    """Limit the memory that this process may add while it reads the file (Linux only).

    Old files have no checksums, and libhdf5 allocates whatever size a damaged file claims.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (OSError, ValueError):  # not Linux
        yield
        return
    allowance = MEMORY + 4 * LARGEST_EXPANSION * path.stat().st_size
    limit = pages * resource.getpagesize() + allowance
    if soft != resource.RLIM_INFINITY:
        limit = min(limit, soft)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def array(file: "h5py.File", name: str, path: Path) -> np.ndarray:
    """Read the numeric dataset ``name``; raises if it is missing or in another file."""
    import h5py

    where = f"{path}:/{name}"
    link = file.get(name, getlink=True)
    if link is None:
        raise TrajpromptError(where, "no such dataset", "an array of numbers", REMEDY)
    if not isinstance(link, h5py.HardLink):  # it may point to any file
        found = "found a soft or external link"
        raise TrajpromptError(where, found, "an array in this file", REMEDY)
    dataset = file[name]
    check_dataset(dataset, where, REMEDY)
    return dataset[()]
