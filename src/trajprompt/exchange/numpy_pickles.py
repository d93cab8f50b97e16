"""Checked reimplementation of the few calls in pickles of numeric NumPy arrays.

Supported are NumPy 1 and 2, Python 2 and 3, and protocols 0 to 5. Each recipe accepts only
the arguments that NumPy writes. An array's bytes must be in the file and match its shape.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

NUMBER = re.compile(r"b1|[iu][1248]|f[248]")
MAX_DIMENSIONS = 32  # limit of NumPy 1
MAX_EMPTY_SIZE = 2**31  # per dimension of an empty array, such as (0, 39)
PLACEHOLDER_TYPE = np.dtype(np.int8)  # type of NumPy's placeholder, shape (0,)


class Refused(Exception):
    """Raised for an object that may not be unpickled."""


class Budget:
    """Number of bytes that may still be created, at most twice the size of the file.

    Twice, because protocols below 3 store bytes as text, which is converted first.
    """

    def __init__(self, left: int):
        self.left = left

    def spend(self, amount: int) -> None:
        self.left -= amount
        if self.left < 0:
            raise Refused("more data than the file holds")


@dataclass(frozen=True)
class Recipe:
    """Allowed call in a pickle; ``make`` takes its arguments and a budget."""

    make: Callable[[tuple[Any, ...], Budget], Any]


class NumberType:
    """Numeric NumPy dtype; its byte order is set later, by `set_state`."""

    def __init__(self, code: str, order: str = "="):
        self.code, self.order = code, order

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(self.order + self.code)


class ArrayClass:
    """Stand-in for ``numpy.ndarray``, which is only an argument of recipes."""


def resolve_name(module: Any, name: Any) -> Any:
    """Look up ``module.name`` in the table of allowed names; never import it."""
    if type(module) is not str or type(name) is not str:  # their repr may be huge
        raise Refused(f"a name of {type(module).__name__} and {type(name).__name__}")
    if (module, name) not in NAMES:
        raise Refused(f"the name {f'{module}.{name}'[:80]!r}")
    return NAMES[module, name]


def set_state(target: Any, state: Any, budget: Budget) -> None:
    """Set the contents of an array or the byte order of a type, like ``__setstate__``."""
    if isinstance(target, NumberType):
        _set_byte_order(target, state)
    elif isinstance(target, np.ndarray) and (target.shape, target.dtype) == (
        (0,),
        PLACEHOLDER_TYPE,
    ):
        _fill(target, state, budget)
    else:
        raise Refused(f"a state for a {type(target).__name__}")


def _set_byte_order(target: NumberType, state: Any) -> None:
    version, order, *rest = state
    valid_order = type(order) is str and order in ("<", ">", "|", "=")
    # Sub-array, field names and fields must be empty, size and alignment the default.
    if (
        version not in (3, 4)
        or not valid_order
        or any(part not in (None, -1, 0) for part in rest)
    ):
        raise Refused("a NumPy type that is not numeric")
    target.order = order


def _fill(array: np.ndarray, state: Any, budget: Budget) -> None:
    version, shape, number, by_columns, data = state
    if type(data) is str:  # Python 2 wrote bytes as text
        data = data.encode("latin-1")
    _check_size(shape, number, data)
    budget.spend(len(data))
    checked_state: Any = (version, shape, number.dtype, bool(by_columns), data)
    array.__setstate__(checked_state)


def _check_size(shape: Any, number: Any, data: Any) -> None:
    if not isinstance(number, NumberType):
        raise Refused("a non-numeric array")
    if type(shape) is not tuple or not isinstance(data, bytes | bytearray):
        raise Refused("an array without shape or bytes")
    # Check each dimension first: the product of a million long integers takes hours.
    longest = len(data) or MAX_EMPTY_SIZE
    valid = len(shape) <= MAX_DIMENSIONS and all(type(n) is int for n in shape)
    if not valid or not all(0 <= n <= longest for n in shape):
        raise Refused("an array whose shape does not match its bytes")
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
    return np.ndarray((0,), PLACEHOLDER_TYPE)


def _scalar(arguments: tuple[Any, ...], budget: Budget) -> np.generic:
    number, data = arguments
    if type(data) is str:
        data = data.encode("latin-1")
    _check_size((1,), number, data)
    return np.frombuffer(data, number.dtype)[0]


def _from_buffer(arguments: tuple[Any, ...], budget: Budget) -> np.ndarray:
    """Array of protocol 5; NumPy 2.3 and later add ``axes`` for a transposed array."""
    data, number, shape, order, *axes = arguments
    _check_size(shape, number, data)
    flat = np.frombuffer(data, number.dtype)
    if order == "K" and len(axes) == 1 and axes[0] is not None:
        return flat.reshape(shape).transpose(axes[0])
    if order not in ("C", "F"):
        raise Refused("an array of unknown memory order")
    return flat.reshape(shape, order=order)


def _bytes_of_text(arguments: tuple[Any, ...], budget: Budget) -> bytes:
    """Bytes, which Python 3 writes as text in protocols 0 to 2."""
    text, encoding = arguments
    if type(text) is not str or encoding not in ("latin1", "latin-1"):
        raise Refused("text in an unknown encoding")
    budget.spend(len(text))
    return text.encode("latin-1")


def _no_bytes(arguments: tuple[Any, ...], budget: Budget) -> bytes:
    if arguments:
        raise Refused("a call of bytes with arguments")
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
