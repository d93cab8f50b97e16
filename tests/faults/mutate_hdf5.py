"""Damage specific to HDF5: valid files with unexpected contents."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Generator = np.random.Generator
DEEP = 400
LARGEST = 2**26  # bytes


def _datasets(file: Any) -> list[str]:
    import h5py

    names: list[str] = []
    file.visititems(
        lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None
    )
    return names


def _one(file: Any, generator: Generator) -> str:
    names = _datasets(file)
    return names[int(generator.integers(len(names)))]


def _replace(file: Any, name: str, values: object = None, **options: Any) -> None:
    """Replace a dataset and keep its attributes."""
    kept = dict(file[name].attrs)
    del file[name]
    file.create_dataset(name, data=values, **options).attrs.update(kept)


def remove(file: Any, generator: Generator) -> None:
    name = _one(file, generator)
    parts = name.split("/")
    del file["/".join(parts[: int(generator.integers(1, len(parts) + 1))])]


def duplicate(file: Any, generator: Generator) -> None:
    name = _one(file, generator)
    names = (
        f"{name}_2",
        "task_x",
        "task_99999999999",
        "curve/9",
        "weights/rowx",
        "\x1b[2J",
    )
    file.copy(file[name], names[int(generator.integers(len(names)))])


def rename(file: Any, generator: Generator) -> None:
    name = _one(file, generator).split("/")[0]
    file.move(name, f"{name}x" if generator.random() < 0.5 else "task_x")


def change_type(file: Any, generator: Generator) -> None:
    import h5py

    name = _one(file, generator)
    shape = file[name].shape
    types = ("f2", "f8", "i1", "u8", ">f4", "c8", "S5", "V7", "i4,f4", "f16")
    special = (h5py.string_dtype(), h5py.vlen_dtype(np.int32), h5py.ref_dtype)
    kinds = (*types, *special, h5py.enum_dtype({"a": 1, "b": 2}))
    kind = kinds[int(generator.integers(len(kinds)))]
    _replace(file, name, shape=shape, dtype=kind)


def change_shape(file: Any, generator: Generator) -> None:
    import h5py

    name = _one(file, generator)
    values = file[name][()]
    flat = values.reshape(-1)
    shapes = (flat[:1], flat[:0], flat[0], values[None], values[..., None], values[1:])
    more = (np.concatenate([values, values]), values[::-1], h5py.Empty(values.dtype))
    choices = (*shapes, *more)
    _replace(file, name, choices[int(generator.integers(len(choices)))])


def declare_huge_shape(file: Any, generator: Generator) -> None:
    """Declare a shape that exceeds any memory; store little or nothing of it."""
    name = _one(file, generator)
    values = file[name][()]
    rest = values.shape[1:]
    rows = int(generator.choice((10**7, 10**9, 2**40)))
    options: dict[str, Any] = {"shape": (rows, *rest), "dtype": values.dtype}
    if generator.random() < 0.7:
        options["chunks"] = (2**14, *rest)
        options["compression"] = (None, "gzip", "lzf")[int(generator.integers(3))]
    _replace(file, name, **options)
    if generator.random() < 0.5 and "chunks" in options:
        file[name][: 2**14] = 0


def bomb(file: Any, generator: Generator) -> None:
    """Store many copies of one small chunk of compressed zeros."""
    name = _one(file, generator)
    values, chunk = file[name][()], 2**22 // file[name].dtype.itemsize
    count = 300
    _replace(
        file,
        name,
        shape=(count * chunk, *values.shape[1:]),
        dtype=values.dtype,
        chunks=(chunk, *[1] * (values.ndim - 1)),
        compression="gzip",
    )
    rest = (0,) * (values.ndim - 1)
    file[name][(slice(chunk), *rest)] = 0
    mask, stored = file[name].id.read_direct_chunk((0, *rest))
    for index in range(1, count):
        file[name].id.write_direct_chunk((index * chunk, *rest), stored, mask)


def link_elsewhere(file: Any, generator: Generator) -> None:
    import h5py

    name = _one(file, generator)
    folder = name.rpartition("/")[0] or "/"
    links = (h5py.SoftLink(f"/{name}"), h5py.SoftLink("/nowhere"), file[folder], file["/"])
    outside = h5py.ExternalLink("/etc/passwd", "/")
    link = (*links, outside)[int(generator.integers(5))]
    del file[name]
    file[name] = link


def data_elsewhere(file: Any, generator: Generator) -> None:
    import h5py

    name = _one(file, generator)
    shape, kind = file[name].shape, file[name].dtype
    if generator.random() < 0.5 or not shape:
        size = max(1, int(np.prod(shape))) * kind.itemsize
        _replace(file, name, shape=shape, dtype=kind, external=[("/etc/passwd", 0, size)])
        return
    layout = h5py.VirtualLayout(shape=shape, dtype=kind)
    layout[...] = h5py.VirtualSource("/tmp/other.h5", "x", shape=shape)
    kept = dict(file[name].attrs)
    del file[name]
    file.create_virtual_dataset(name, layout).attrs.update(kept)


def unusual_values(file: Any, generator: Generator) -> None:
    name = _one(file, generator)
    values = np.array(file[name][()])
    unusual = (-1, 0, 1e30, np.nan, np.inf, 2**62)[int(generator.integers(6))]
    with np.errstate(all="ignore"):
        flat = values.reshape(-1)
        flat[: max(1, int(generator.integers(flat.size)))] = np.array(unusual).astype(
            values.dtype
        )
    _replace(file, name, values)


def change_attribute(file: Any, generator: Generator) -> None:
    import h5py

    items = [file, *(file[name] for name in _datasets(file))]
    items += [item.parent for item in items[1:]]
    holders = [item for item in items if len(item.attrs)]
    if not holders:
        return
    item = holders[int(generator.integers(len(holders)))]
    names = list(item.attrs)
    name = names[int(generator.integers(len(names)))]
    old = item.attrs.pop(name)
    texts = (
        "",
        "x",
        "[" * 50_000,
        '{"a":' * 2000 + "1" + "}" * 2000,
        "NaN",
        "\x1b[2J",
        "[1]",
    )
    numbers = (
        0,
        -1,
        2**62,
        np.nan,
        np.zeros(3),
        np.zeros((0, 2)),
        np.zeros((2, 2)),
        b"\xff",
    )
    unusual = (h5py.Empty("f4"), np.array(["a", "b"], h5py.string_dtype()), file.ref)
    choices = (*texts, *numbers, *unusual, '{"quality_episodes": 1e999}', old, None)
    value = choices[int(generator.integers(len(choices)))]
    if value is not None:
        item.attrs[name if generator.random() < 0.9 else f"{name}x"] = value


def deep_groups(file: Any, generator: Generator) -> None:
    group = file
    for _ in range(DEEP):
        group = group.create_group("deep")
    group["x"] = 1


def many_groups(file: Any, generator: Generator) -> None:
    for index in range(300):
        file.create_group(f"g{index}").create_dataset(f"d{index}", data=index)


DAMAGES: tuple[Callable[[Any, Generator], None], ...] = (
    remove,
    duplicate,
    rename,
    change_type,
    change_type,
    change_shape,
    declare_huge_shape,
    bomb,
    link_elsewhere,
    data_elsewhere,
    unusual_values,
    change_attribute,
    change_attribute,
    deep_groups,
    many_groups,
)


def rewritten(data: bytes, generator: Generator, scratch: Path) -> tuple[str, bytes]:
    """Name of a random change, and the changed file.

    Raises `ValueError` if the file is larger than ``LARGEST``.
    """
    import h5py

    change = DAMAGES[int(generator.integers(len(DAMAGES)))]
    scratch.write_bytes(data)
    with h5py.File(scratch, "r+", libver=("v110", "latest")) as file:
        change(file, generator)
    if scratch.stat().st_size > LARGEST:
        raise ValueError("the changed file is too large for the test")
    return change.__name__, scratch.read_bytes()
