"""Foreign HDF5 files: what they claim is checked before any of it is read."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from trajprompt.errors import TrajpromptError
from trajprompt.exchange import require_source
from trajprompt.hdf5_checks import DAMAGE, check_dataset

if TYPE_CHECKING:
    import h5py


@contextmanager
def opened(path: Path) -> Iterator["h5py.File"]:
    """The open file; whatever HDF5 dislikes becomes a TrajpromptError naming it."""
    import h5py

    require_source(path)
    try:
        with h5py.File(path, "r") as file:
            yield file
    except DAMAGE as error:
        found = f"damaged or not HDF5 ({str(error)[:200]})"
        raise TrajpromptError(path, found, "a whole HDF5 file") from error


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
