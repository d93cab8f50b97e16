"""Attributes of HDF5 files: numbers, and texts of a fixed length.

h5py writes texts of variable length, which lie in a part of the file without checksums: a
flipped bit there can keep libhdf5 in a loop for ever. Texts of fixed length lie in the
object's header, whose damage is an error.
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
    """Raise unless all are numbers or texts of a fixed length; none is read."""
    from h5py import h5s, h5t

    for name in item.attrs:
        attribute = item.attrs.get_id(name)
        kind, space = attribute.get_type(), attribute.get_space()
        empty = space.get_simple_extent_type() == h5s.NULL
        plain = not empty and kind.get_class() in (h5t.INTEGER, h5t.FLOAT, h5t.ENUM)
        text = not empty and kind.get_class() == h5t.STRING and not kind.is_variable_str()
        if not plain and not text:
            expected = "a number, or a text of fixed length"
            raise TrajpromptError(f"{where}: {name}", "another type", expected, remedy)


def get_attributes(item: Any) -> dict[str, Any]:
    """All attributes, texts as Python's own, numbers and arrays as NumPy's; sorted."""
    return {name: _decoded(item.attrs[name]) for name in sorted(item.attrs)}


def get_attribute(item: Any, name: str) -> Any:
    """One attribute, or None."""
    return _decoded(item.attrs.get(name))


def get_text(item: Any, name: str) -> str | None:
    """A text attribute; None if it is not there or no text."""
    value = get_attribute(item, name)
    return value if isinstance(value, str) else None


def get_integer(item: Any, name: str, where: str, remedy: str) -> int:
    """A whole number among the attributes."""
    value = get_attribute(item, name)
    if not isinstance(value, np.integer):
        raise TrajpromptError(f"{where}: {name}", f"{value!r:.80}", "an integer", remedy)
    return int(value)


def _decoded(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value
