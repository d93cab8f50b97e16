"""The few calls by which NumPy pickles numbers, done again by hand and checked.

NumPy 1 and 2, Python 2 and 3, protocols 0 to 5. Each recipe takes exactly the arguments
that NumPy writes; an array has as many bytes as its shape asks for, all in the file.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

NUMBER = re.compile(r"b1|[iu][1248]|f[248]")
MOST_DIMENSIONS = 32  # of NumPy 1
LONGEST_OF_NOTHING = 2**31  # an empty array may say (0, 39)
UNBUILT = np.dtype(np.int8)  # NumPy's placeholder has this type and shape (0,)


class Refused(Exception):
    """What a pickle asks for and does not get."""


class Budget:
    """Bytes that may still be made; a file can't ask for more than it holds, twice over.

    Twice: protocols below 3 keep bytes as text, from which they are made first.
    """

    def __init__(self, left: int):
        self.left = left

    def spend(self, amount: int) -> None:
        self.left -= amount
        if self.left < 0:
            raise Refused("more data than the file holds")


@dataclass(frozen=True)
class Recipe:
    """A call that a pickle may ask for; ``make`` takes its arguments and a budget."""

    make: Callable[[tuple[Any, ...], Budget], Any]


class NumberType:
    """A NumPy dtype of plain numbers, of which the byte order comes later."""

    def __init__(self, code: str, order: str = "="):
        self.code, self.order = code, order

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(self.order + self.code)


class ArrayClass:
    """The name ``numpy.ndarray``, an argument of the recipes."""


def named(module: Any, name: Any) -> Any:
    """What a pickle may mean by ``module.name``, found in a table and nowhere else."""
    if type(module) is not str or type(name) is not str:  # lists may have endless texts
        raise Refused(f"a name of {type(module).__name__} and {type(name).__name__}")
    if (module, name) not in NAMES:
        raise Refused(f"the name {f'{module}.{name}'[:80]!r}")
    return NAMES[module, name]


def set_state(target: Any, state: Any, budget: Budget) -> None:
    """Fill in an array, or the byte order of a type, as their ``__setstate__`` does."""
    if isinstance(target, NumberType):
        _set_byte_order(target, state)
    elif isinstance(target, np.ndarray) and (target.shape, target.dtype) == ((0,), UNBUILT):
        _fill(target, state, budget)
    else:
        raise Refused(f"a state for a {type(target).__name__}")


def _set_byte_order(target: NumberType, state: Any) -> None:
    version, order, *rest = state
    plain = type(order) is str and order in ("<", ">", "|", "=")
    # Sub-array, field names, fields: none; size and alignment: the type's own.
    if (
        version not in (3, 4)
        or not plain
        or any(part not in (None, -1, 0) for part in rest)
    ):
        raise Refused("a NumPy type that is not of plain numbers")
    target.order = order


def _fill(array: np.ndarray, state: Any, budget: Budget) -> None:
    version, shape, number, by_columns, data = state
    if type(data) is str:  # Python 2 wrote bytes as text
        data = data.encode("latin-1")
    _check_size(shape, number, data)
    budget.spend(len(data))
    whole: Any = (version, shape, number.dtype, bool(by_columns), data)
    array.__setstate__(whole)


def _check_size(shape: Any, number: Any, data: Any) -> None:
    if not isinstance(number, NumberType):
        raise Refused("an array of something else than plain numbers")
    if type(shape) is not tuple or not isinstance(data, bytes | bytearray):
        raise Refused("an array without shape or bytes")
    # Bounded one by one first: the product of a million long integers takes hours.
    longest = len(data) or LONGEST_OF_NOTHING
    plain = len(shape) <= MOST_DIMENSIONS and all(type(n) is int for n in shape)
    if not plain or not all(0 <= n <= longest for n in shape):
        raise Refused("an array of another shape than its bytes")
    claimed = math.prod(shape) * number.dtype.itemsize
    if claimed != len(data):
        raise Refused(f"an array that claims {claimed} bytes and has {len(data)}")


def _type(arguments: tuple[Any, ...], budget: Budget) -> NumberType:
    code, *flags = arguments
    if type(code) is not str or not NUMBER.fullmatch(code) or len(flags) != 2:
        shown = repr(code[:20]) if type(code) is str else f"of a {type(code).__name__}"
        raise Refused(f"a NumPy type {shown}")
    return NumberType(code)


def _placeholder(arguments: tuple[Any, ...], budget: Budget) -> np.ndarray:
    kind, shape, code = arguments
    if kind is not NAMES["numpy", "ndarray"] or shape != (0,) or code not in (b"b", "b"):
        raise Refused("an array of an unknown class")
    return np.ndarray((0,), UNBUILT)


def _scalar(arguments: tuple[Any, ...], budget: Budget) -> np.generic:
    number, data = arguments
    if type(data) is str:
        data = data.encode("latin-1")
    _check_size((1,), number, data)
    return np.frombuffer(data, number.dtype)[0]


def _from_buffer(arguments: tuple[Any, ...], budget: Budget) -> np.ndarray:
    """Protocol 5; ``axes`` are those of a transposed array (NumPy 2.3 and later)."""
    data, number, shape, order, *axes = arguments
    _check_size(shape, number, data)
    flat = np.frombuffer(data, number.dtype)
    if order == "K" and len(axes) == 1 and axes[0] is not None:
        return flat.reshape(shape).transpose(axes[0])
    if order not in ("C", "F"):
        raise Refused("an array of unknown order")
    return flat.reshape(shape, order=order)


def _bytes_of_text(arguments: tuple[Any, ...], budget: Budget) -> bytes:
    """Protocols 0 to 2 of Python 3 write bytes as text."""
    text, encoding = arguments
    if type(text) is not str or encoding not in ("latin1", "latin-1"):
        raise Refused("text of an unknown encoding")
    budget.spend(len(text))
    return text.encode("latin-1")


def _no_bytes(arguments: tuple[Any, ...], budget: Budget) -> bytes:
    if arguments:
        raise Refused("bytes of a given number")
    return b""


NAMES: dict[tuple[str, str], Recipe | ArrayClass] = {
    ("numpy", "dtype"): Recipe(_type),
    ("numpy", "ndarray"): ArrayClass(),
    ("_codecs", "encode"): Recipe(_bytes_of_text),
    ("__builtin__", "bytes"): Recipe(_no_bytes),
    ("builtins", "bytes"): Recipe(_no_bytes),
    **{
        (f"numpy.{core}.{module}", name): Recipe(make)
        for core in ("core", "_core")  # NumPy 1 and 2
        for module, name, make in (
            ("multiarray", "_reconstruct", _placeholder),
            ("multiarray", "scalar", _scalar),
            ("numeric", "_frombuffer", _from_buffer),
        )
    },
}
