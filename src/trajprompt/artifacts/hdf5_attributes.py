"""Attributes of HDF5 files: numbers, and strings of fixed length.

By default, h5py writes strings of variable length. They are stored in a part of the file
without checksums, where a flipped bit can put libhdf5 into an endless loop. Strings of
fixed length are stored in the object's header, where damage raises an error.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from trajprompt.errors import TrajpromptError


def write_attributes(item: Any, values: Mapping[str, Any]) -> None:
    """Set attributes of a file, group or dataset, in order."""
    import h5py

    for name, value in values.items():
        if isinstance(value, str):
            text = value.encode()
            value = np.array(text, h5py.string_dtype("utf-8", max(1, len(text))))
        item.attrs[name] = value


def check_attributes(item: Any, where: object, remedy: str) -> None:
    """Raise unless all attributes are numbers or strings of fixed length; read none."""
    from h5py import h5s, h5t

    for name in item.attrs:
        attribute = item.attrs.get_id(name)
        kind, space = attribute.get_type(), attribute.get_space()
        empty = space.get_simple_extent_type() == h5s.NULL
        number = not empty and kind.get_class() in (h5t.INTEGER, h5t.FLOAT, h5t.ENUM)
        text = not empty and kind.get_class() == h5t.STRING and not kind.is_variable_str()
        if not number and not text:
            expected = "a number or a string of fixed length"
            found = "found an attribute of another type"
            raise TrajpromptError(f"{where}: {name}", found, expected, remedy)


def get_attributes(item: Any) -> dict[str, Any]:
    """All attributes, sorted by name: strings as str, numbers as NumPy values."""
    return {name: _decoded(item.attrs[name]) for name in sorted(item.attrs)}


def get_attribute(item: Any, name: str) -> Any:
    """Value of one attribute; None if it is missing."""
    return _decoded(item.attrs.get(name))


def get_text(item: Any, name: str) -> str | None:
    """Value of a string attribute; None if it is missing or of another type."""
    value = get_attribute(item, name)
    return value if isinstance(value, str) else None


def get_integer(item: Any, name: str, where: str, remedy: str) -> int:
    """Value of an integer attribute; raises TrajpromptError for any other type."""
    value = get_attribute(item, name)
    if not isinstance(value, np.integer):
        found = f"found {value!r:.80}"
        raise TrajpromptError(f"{where}: {name}", found, "an integer", remedy)
    return int(value)


def _decoded(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value
