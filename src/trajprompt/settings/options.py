"""Options of a collecting algorithm or a tuning method: frozen dataclasses, read strictly.

Types come from the annotations. A dataclass checks ranges in its ``__post_init__``, with
the functions below or by raising ValueError.
"""

import dataclasses
import math
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from trajprompt.errors import TrajpromptError

Options = TypeVar("Options")
PRECISIONS = ("auto", "bf16", "fp32")


class OptionError(TrajpromptError):
    """One wrong option. ``name`` is empty where no single option is to blame."""

    def __init__(self, name: str, found: str, expected: str):
        super().__init__(name or "options", f"found {found}", expected)
        self.name, self.found = name, found


def at_least(options: Any, least: float, *names: str) -> None:
    for name in names:
        if not getattr(options, name) >= least:
            raise OptionError(name, str(getattr(options, name)), f"at least {least}")


def at_most(options: Any, most: float, *names: str) -> None:
    """Bounds far beyond use, where a slip of the pen would fill the machine."""
    for name in names:
        if not getattr(options, name) <= most:
            raise OptionError(name, str(getattr(options, name)), f"at most {most}")


def positive(options: Any, *names: str) -> None:
    for name in names:
        if not getattr(options, name) > 0:
            raise OptionError(name, str(getattr(options, name)), "more than 0")


def share(options: Any, *names: str) -> None:
    for name in names:
        if not 0 <= getattr(options, name) <= 1:
            raise OptionError(name, str(getattr(options, name)), "0 to 1")


def one_of(options: Any, allowed: Sequence[str], *names: str) -> None:
    for name in names:
        if getattr(options, name) not in allowed:
            found = repr(getattr(options, name))
            raise OptionError(name, found, f"one of {', '.join(allowed)}")


def parse_options(cls: type[Options], values: Mapping[str, Any], where: str) -> Options:
    """The options dataclass ``cls`` from a mapping of the config."""
    return parse_together((cls,), values, where)[0]


def parse_together(
    kinds: Sequence[type], values: Mapping[str, Any], where: str
) -> list[Any]:
    """One dataclass of each kind from flat options, as `build`, naming where they stand."""
    try:
        return build(kinds, values)
    except OptionError as error:
        key = f"{where}.{error.name}" if error.name else where
        raise TrajpromptError(key, f"found {error.found}", error.expected) from error


def build(kinds: Sequence[type], values: Mapping[str, Any]) -> list[Any]:
    """One dataclass of each kind from flat options; an OptionError at the first wrong one.

    A value of None is as if the key were absent, so that an overlay of the config can
    take back what lies below it, e.g. an option of another algorithm.
    """
    given = {name: value for name, value in values.items() if value is not None}
    hints = [typing.get_type_hints(kind) for kind in kinds]
    known = sorted(set().union(*hints))
    for name in given:
        if name not in known:
            expected = f"one of {', '.join(known)}" if known else "no options"
            raise OptionError(name, "an unknown option", expected)
    return [_make(kind, own, given) for kind, own in zip(kinds, hints, strict=True)]


def _make(kind: type, hints: Mapping[str, Any], given: Mapping[str, Any]) -> Any:
    for item in dataclasses.fields(kind):
        required = item.default is item.default_factory is dataclasses.MISSING
        if required and item.name not in given:
            raise OptionError(item.name, "nothing", _describe(hints[item.name]))
    values = {
        name: _convert(name, given[name], hint)
        for name, hint in hints.items()
        if name in given
    }
    try:
        return kind(**values)
    except ValueError as error:
        raise OptionError("", str(values), str(error)) from error


def _convert(name: str, value: Any, hint: Any) -> Any:
    allowed = _types(hint)
    if float in allowed and type(value) is int:
        return float(value)
    finite = not isinstance(value, float) or math.isfinite(value)
    # A bool is an int to Python, but not to whoever writes a config.
    fits = isinstance(value, allowed) and (bool in allowed or type(value) is not bool)
    if not fits or not finite:
        raise OptionError(name, repr(value), _describe(hint))
    return value


def _types(hint: Any) -> tuple[type, ...]:
    """The types that a hint like ``float | None`` allows."""
    union = typing.get_origin(hint) in (types.UnionType, typing.Union)
    parts = typing.get_args(hint) if union else (hint,)
    return tuple(typing.get_origin(part) or part for part in parts)


def _describe(hint: Any) -> str:
    names = [kind.__name__ for kind in _types(hint) if kind is not type(None)]
    text = "a finite number (write 1.0e-4, not 1e-4)" if "float" in names else ""
    return text or f"a value of type {' or '.join(names)}"
