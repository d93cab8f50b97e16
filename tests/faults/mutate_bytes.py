"""Damage that is independent of a file's format."""

from collections.abc import Callable

import numpy as np

Generator = np.random.Generator
Damage = Callable[[bytes, Generator], bytes]
# Critical values of fields for sizes and offsets.
EDGES = (
    0,
    1,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0xFFFF,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**63,
    2**64 - 1,
)


def _place(data: bytes, generator: Generator) -> int:
    """A random position; half of them are in the first kilobyte, the usual header."""
    end = len(data) if generator.random() < 0.5 else min(len(data), 1024)
    return int(generator.integers(max(1, end)))


def _span(data: bytes, generator: Generator) -> slice:
    start = _place(data, generator)
    return slice(start, start + int(generator.integers(1, max(2, len(data) // 8))))


def flip_bits(data: bytes, generator: Generator) -> bytes:
    changed = bytearray(data)
    for _ in range(int(generator.integers(1, 9))):
        changed[_place(data, generator)] ^= 1 << int(generator.integers(8))
    return bytes(changed)


def truncate(data: bytes, generator: Generator) -> bytes:
    return data[: int(generator.integers(len(data)))]


def zero_range(data: bytes, generator: Generator) -> bytes:
    changed, span = bytearray(data), _span(data, generator)
    changed[span] = bytes(len(changed[span]))
    return bytes(changed)


def random_range(data: bytes, generator: Generator) -> bytes:
    changed, span = bytearray(data), _span(data, generator)
    changed[span] = generator.bytes(len(changed[span]))
    return bytes(changed)


def remove_range(data: bytes, generator: Generator) -> bytes:
    span = _span(data, generator)
    return data[: span.start] + data[span.stop :]


def repeat_range(data: bytes, generator: Generator) -> bytes:
    part, at = data[_span(data, generator)], _place(data, generator)
    return data[:at] + part * int(generator.integers(1, 20)) + data[at:]


def splice(data: bytes, generator: Generator) -> bytes:
    """Overwrite one part of the file with another."""
    changed, part, at = (
        bytearray(data),
        data[_span(data, generator)],
        _place(data, generator),
    )
    changed[at : at + len(part)] = part
    return bytes(changed)


def edge_number(data: bytes, generator: Generator) -> bytes:
    """Overwrite a possible field of a size with a zero, huge or negative number."""
    size = int(generator.choice((1, 2, 4, 8)))
    value = EDGES[int(generator.integers(len(EDGES)))] % 256**size
    at = _place(data, generator) // size * size
    return data[:at] + value.to_bytes(size, "little") + data[at + size :]


def before_and_after(data: bytes, generator: Generator) -> bytes:
    """Add bytes before and after the file, like HDF5's user block."""
    before = bytes(512 * int(generator.integers(0, 3)))
    return before + data + generator.bytes(int(generator.integers(0, 100)))


DAMAGES: tuple[Damage, ...] = (
    flip_bits,
    truncate,
    zero_range,
    random_range,
    remove_range,
    repeat_range,
    splice,
    edge_number,
    before_and_after,
)
