"""Options of a collecting algorithm or a tuning method, checked by their annotations.

Options are frozen dataclasses that inherit from `Strict`; each annotation holds the type
and the bounds of a value, a ``__post_init__`` what two options must have in common.
pydantic checks them where values enter, in `validate`. It is imported there and not
here, because ``--help`` and workers that are given checked options need no pydantic.
"""

import dataclasses
import json
import typing
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeVar

from annotated_types import Interval

from trajprompt.errors import TrajpromptError
from trajprompt.settings.faults import UNKNOWN, expected, one_of, place

if TYPE_CHECKING:
    from pydantic import TypeAdapter, ValidationError

Checked = TypeVar("Checked", bound="Strict")

# Upper bounds lie far beyond use; they catch typos that would fill the machine.
Count = Annotated[int, Interval(ge=1, le=100_000)]
SmallCount = Annotated[int, Interval(ge=1, le=1000)]
Size = Annotated[int, Interval(ge=1, le=4096)]  # of a batch or a layer
Steps = Annotated[int, Interval(ge=0, le=10_000_000)]
Seed = Annotated[int, Interval(ge=0)]
Task = Annotated[int, Interval(ge=0)]
Share = Annotated[float, Interval(ge=0, le=1)]
Rate = Annotated[float, Interval(gt=0, le=1)]  # of learning
Scale = Annotated[float, Interval(gt=0, le=1000)]  # step sizes, standard deviations
Positive = Annotated[float, Interval(gt=0, le=1e6)]
NonNegative = Annotated[float, Interval(ge=0, le=1e6)]
Precision = Literal["auto", "bf16", "fp32"]
Schedule = Literal["constant", "cosine"]  # of a learning rate, after its warm-up

UNEXPECTED = "unexpected_keyword_argument"  # pydantic's name of the error
ADAPTERS: dict[type, "TypeAdapter[Any]"] = {}  # each made when it is first needed


class Strict:
    """Base of what `validate` makes: 2.0 and True are no integers, and keys are known."""

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]
    __pydantic_config__: ClassVar[dict[str, Any]] = {
        "strict": True,
        "extra": "forbid",
        "allow_inf_nan": False,
    }


class OptionError(TrajpromptError, ValueError):
    """One wrong option. ``name`` is empty where no single option is to blame."""

    def __init__(self, name: str, found: str, expected: str):
        super().__init__(name or "options", f"found {found}", expected)
        self.name, self.found = name, found


def parse_options(cls: type[Checked], values: Mapping[str, Any], where: str) -> Checked:
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
    given = _given(values)
    names = [{field.name for field in dataclasses.fields(kind)} for kind in kinds]
    for name in given:
        if not any(name in known for known in names):
            raise _unknown(name, set().union(*names))
    return [
        validate(kind, {name: given[name] for name in known & given.keys()})
        for kind, known in zip(kinds, names, strict=True)
    ]


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _given(value) if isinstance(value, Mapping) else value
        for name, value in values.items()
        if value is not None
    }


def validate(cls: type[Checked], values: Mapping[str, Any]) -> Checked:
    """The dataclass ``cls`` of plain values; an OptionError at the first wrong one."""
    from pydantic import TypeAdapter, ValidationError

    if cls not in ADAPTERS:
        ADAPTERS[cls] = TypeAdapter(cls)
    try:
        # As JSON, because there tuples are lists and parts are mappings, also if strict.
        return ADAPTERS[cls].validate_json(json.dumps(values))
    except ValidationError as error:
        raise _option_error(cls, values, error) from error


def _option_error(cls: type, values: Any, error: "ValidationError") -> OptionError:
    """The first error; the members of a union, none of which fits, have one each.

    Unknown keys come before missing ones, which may be the same key, misspelt.
    """
    errors = error.errors(include_url=False)
    first, *others = sorted(errors, key=lambda one: one["type"] != UNEXPECTED)
    path = place(first, values)
    name = ".".join(map(str, path))
    raised = first.get("ctx", {}).get("error")
    if isinstance(raised, OptionError):  # of a __post_init__, perhaps of a part
        inner = f"{name}.{raised.name}" if name and raised.name else name or raised.name
        return OptionError(inner, raised.found, raised.expected)
    if first["type"] in (UNEXPECTED, "missing"):
        return _wrong_key(cls, path)
    same = [one for one in others if place(one, values) == path]
    wanted = " or ".join(map(expected, (first, *same)))
    return OptionError(name, f"{first['input']!r:.80}", wanted)


def _wrong_key(cls: type, path: Sequence[Any]) -> OptionError:
    """The error of a key that ``cls``, or a part of it, lacks or does not know."""
    for part in path[:-1]:
        cls = typing.get_type_hints(cls)[part]
    hints = typing.get_type_hints(cls)
    name, hint = ".".join(path), hints.get(path[-1])
    if hint is None:
        return _unknown(name, {field.name for field in dataclasses.fields(cls)})
    wanted = f"a value of type {getattr(hint, '__name__', hint)}"
    return OptionError(name, "nothing", wanted)


def _unknown(name: str, known: set[str]) -> OptionError:
    return OptionError(name, UNKNOWN, one_of([*known]))
