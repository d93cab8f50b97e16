"""The tree of any HDF5 artifact: names, shapes, types, units, descriptions."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trajprompt.errors import TrajpromptError
from trajprompt.inspection.text import printable

if TYPE_CHECKING:
    import h5py


@contextmanager
def open_artifact(path: Path) -> Iterator["h5py.File"]:
    """The open file; whatever HDF5 dislikes becomes a TrajpromptError naming it."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            yield file
    except (
        OSError,
        KeyError,
        RuntimeError,
        ValueError,
        TypeError,
        AttributeError,
    ) as error:
        found = f"damaged ({printable(error)})"
        raise TrajpromptError(
            path, found, "a whole HDF5 artifact", "make it again"
        ) from error


def plain_attributes(item: "h5py.File | h5py.Group") -> dict[str, Any]:
    """Attributes as Python's own types."""
    values = {name: item.attrs[name] for name in item.attrs}
    return {n: v.tolist() if hasattr(v, "tolist") else v for n, v in values.items()}


def tree(group: "h5py.Group") -> list[str]:
    """One line per dataset; siblings of the same layout are shown once."""
    lines: list[str] = []
    names = sorted(group, key=_natural)
    while names:
        name = names.pop(0)
        item = group[name]
        if hasattr(item, "shape"):
            lines.append(_dataset_line(name, item))
            continue
        layout = _layout(item)
        alike = [n for n in names if _is_group(group[n]) and _layout(group[n]) == layout]
        names = [n for n in names if n not in alike]
        more = (
            f"   and {len(alike)} more like it, to {printable(alike[-1])}" if alike else ""
        )
        lines.append(f"{printable(name)}/{more}")
        lines += [f"  {line}" for line in tree(item)]
    return lines


def _natural(name: str) -> list[tuple[int, str]]:
    """A sort key that puts task_9 before task_10."""
    return [
        (int(part) if part.isdigit() else -1, part) for part in re.split(r"(\d+)", name)
    ]


def _is_group(item: "h5py.Group | h5py.Dataset") -> bool:
    return not hasattr(item, "shape")


def _layout(group: "h5py.Group") -> tuple[tuple[str, object], ...]:
    """Names, types and numbers of dimensions of all that a group holds."""
    return tuple(
        (name, _layout(item) if _is_group(item) else (item.dtype.str, item.ndim))
        for name, item in sorted(group.items())
    )


def _dataset_line(name: str, dataset: "h5py.Dataset") -> str:
    shape = "(" + ", ".join(f"{size:,}" for size in dataset.shape) + ")"
    unit = dataset.attrs.get("unit", "no unit")
    description = dataset.attrs.get("description", "no description")
    head = f"{printable(name):20} {shape:16} {dataset.dtype.name:8}"
    return f"{head} [{printable(unit)}] {printable(description)}"
