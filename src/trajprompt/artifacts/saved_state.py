"""State of a loop in an HDF5 file: arrays as datasets, other values as JSON."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from trajprompt.artifacts.hdf5_checks import create_array

if TYPE_CHECKING:
    import h5py


class Saved(Mapping[str, Any]):
    """Saved state; arrays are read on each access and not cached."""

    def __init__(self, arrays: "h5py.Group", values: dict[str, Any]):
        self._arrays, self._values = arrays, values

    def __getitem__(self, name: str) -> Any:
        if name in self._arrays:
            found = self._arrays[name]
            if hasattr(found, "shape"):
                return found[()]
            return Saved(found, self._values[name])
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**self._values, **self._arrays})

    def __len__(self) -> int:
        return len({**self._values, **self._arrays})


def write_state(
    arrays: "h5py.Group", state: Mapping[str, Any], values: dict[str, Any]
) -> None:
    """Write arrays and tensors to the group ``arrays``; add other values to ``values``."""
    for name, value in state.items():
        if isinstance(value, Mapping):
            values[name] = {}
            write_state(arrays.create_group(name), value, values[name])
        elif hasattr(value, "cpu"):
            create_array(arrays, name, value.detach().cpu().numpy())
        elif isinstance(value, np.ndarray):
            create_array(arrays, name, value)
        else:
            values[name] = value
