"""Tree of an HDF5 artifact: names, shapes, types, units, descriptions."""

import re
from typing import TYPE_CHECKING, Any

from trajprompt.artifacts.hdf5_attributes import get_attributes, get_text
from trajprompt.inspection.text import printable

if TYPE_CHECKING:
    import h5py


def plain_attributes(item: "h5py.File | h5py.Group") -> dict[str, Any]:
    """Attributes as builtin types."""
    values = get_attributes(item)
    return {n: v.tolist() if hasattr(v, "tolist") else v for n, v in values.items()}


def tree(group: "h5py.Group") -> list[str]:
    """One line per dataset; of sibling groups with equal layout only the first is shown."""
    siblings: dict[object, list[str]] = {}  # layout -> names
    for name in sorted(group, key=_natural):
        item = group[name]
        siblings.setdefault(_layout(item) if _is_group(item) else name, []).append(name)
    lines = []
    for first, *others in siblings.values():
        item = group[first]
        if not _is_group(item):
            lines.append(_dataset_line(first, item))
            continue
        last = printable(others[-1]) if others else ""
        more = f"   and {len(others)} more like it, to {last}" if others else ""
        lines.append(f"{printable(first)}/{more}")
        lines += [f"  {line}" for line in tree(item)]
    return lines


def _natural(name: str) -> list[tuple[int, str]]:
    """Sort key that puts task_9 before task_10."""
    return [
        (int(part) if part.isdecimal() else -1, part) for part in re.split(r"(\d+)", name)
    ]


def _is_group(item: "h5py.Group | h5py.Dataset") -> bool:
    return not hasattr(item, "shape")


def _layout(group: "h5py.Group") -> tuple[tuple[str, object], ...]:
    """Names, types and numbers of dimensions of all items of a group."""
    return tuple(
        (name, _layout(item) if _is_group(item) else (item.dtype.str, item.ndim))
        for name, item in sorted(group.items())
    )


def _dataset_line(name: str, dataset: "h5py.Dataset") -> str:
    shape = "(" + ", ".join(f"{size:,}" for size in dataset.shape) + ")"
    unit = get_text(dataset, "unit") or "no unit"
    description = get_text(dataset, "description") or "no description"
    head = f"{printable(name):20} {shape:16} {dataset.dtype.name:8}"
    return f"{head} [{printable(unit)}] {printable(description)}"
