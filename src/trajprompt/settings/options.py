"""Options of a collecting algorithm or a tuning method, checked by their annotations.

Options are frozen dataclasses that inherit from `Strict`. Annotations contain the type and
the bounds of a value; ``__post_init__`` checks options against each other. pydantic checks
the annotations in `validate`. It is imported there, because ``--help`` and workers with
checked options do not need it.
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

# Upper bounds are generous: they catch typos before they exhaust memory or disk.
Count = Annotated[int, Interval(ge=1, le=100_000)]
SmallCount = Annotated[int, Interval(ge=1, le=1000)]
Size = Annotated[int, Interval(ge=1, le=4096)]  # batch or layer size
Steps = Annotated[int, Interval(ge=0, le=10_000_000)]
Seed = Annotated[int, Interval(ge=0)]
Task = Annotated[int, Interval(ge=0)]
Share = Annotated[float, Interval(ge=0, le=1)]
Rate = Annotated[float, Interval(gt=0, le=1)]  # learning rate
Scale = Annotated[float, Interval(gt=0, le=1000)]  # step sizes, standard deviations
Positive = Annotated[float, Interval(gt=0, le=1e6)]
NonNegative = Annotated[float, Interval(ge=0, le=1e6)]
Precision = Literal["auto", "bf16", "fp32"]
Engine = Literal["openvino", "torch"]  # of rollouts on a CPU
Schedule = Literal["constant", "cosine"]  # learning rate after the warm-up

UNEXPECTED = "unexpected_keyword_argument"  # pydantic's type of the error
ADAPTERS: dict[type, "TypeAdapter[Any]"] = {}  # cache of `validate`


class Strict:
    """Base of options and settings: 2.0 and True are not integers, unknown keys errors."""

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]
    __pydantic_config__: ClassVar[dict[str, Any]] = {
        "strict": True,
        "extra": "forbid",
        "allow_inf_nan": False,
    }


class OptionError(TrajpromptError, ValueError):
    """A wrong option. ``name`` is empty if the error concerns several options."""

    def __init__(self, name: str, found: str, expected: str):
        super().__init__(name or "options", f"found {found}", expected)
        self.name, self.found = name, found


def parse_options(
    cls: type[Checked], values: Mapping[str, Any], where: str, remedy: str = ""
) -> Checked:
    """Options of type ``cls`` from a mapping of the config at the key ``where``.

    Raises TrajpromptError with the key of the first wrong option and the ``remedy``.
    """
    return parse_together((cls,), values, where, remedy)[0]


def parse_together(
    kinds: Sequence[type], values: Mapping[str, Any], where: str, remedy: str = ""
) -> list[Any]:
    """As `build`; a TrajpromptError names the key ``where`` of the options."""
    try:
        return build(kinds, values)
    except OptionError as error:
        key = f"{where}.{error.name}" if error.name else where
        found = f"found {error.found}"
        raise TrajpromptError(key, found, error.expected, remedy) from error


def build(kinds: Sequence[type], values: Mapping[str, Any]) -> list[Any]:
    """One dataclass of each kind from flat options; OptionError at the first wrong one.

    A value of None counts as a missing key, so a file of the user can remove an option
    that a lower layer sets.
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
    """The dataclass ``cls`` from builtin values; OptionError at the first wrong one."""
    from pydantic import TypeAdapter, ValidationError

    if cls not in ADAPTERS:
        ADAPTERS[cls] = TypeAdapter(cls)
    try:
        # As JSON: in strict mode only JSON input turns lists into tuples and mappings into
        # dataclasses.
        return ADAPTERS[cls].validate_json(json.dumps(values))
    except ValidationError as error:
        raise _option_error(cls, values, error) from error


def _option_error(cls: type, values: Any, error: "ValidationError") -> OptionError:
    """Error of the first wrong option; expected values of a union's members are joined.

    Unknown keys come first: a missing key may be the same one, misspelt.
    """
    errors = error.errors(include_url=False)
    first, *others = sorted(errors, key=lambda one: one["type"] != UNEXPECTED)
    path = place(first, values)
    name = ".".join(map(str, path))
    raised = first.get("ctx", {}).get("error")
    if isinstance(raised, OptionError):  # from a __post_init__, perhaps of a nested part
        inner = f"{name}.{raised.name}" if name and raised.name else name or raised.name
        return OptionError(inner, raised.found, raised.expected)
    if first["type"] in (UNEXPECTED, "missing"):
        return _wrong_key(cls, path)
    same = [one for one in others if place(one, values) == path]
    allowed = " or ".join(map(expected, (first, *same)))
    return OptionError(name, f"{first['input']!r:.80}", allowed)


def _wrong_key(cls: type, path: Sequence[Any]) -> OptionError:
    """Error of a key that is missing in, or unknown to, ``cls`` or a nested part."""
    for part in path[:-1]:
        cls = typing.get_type_hints(cls)[part]
    hints = typing.get_type_hints(cls)
    name, hint = ".".join(path), hints.get(path[-1])
    if hint is None:
        return _unknown(name, {field.name for field in dataclasses.fields(cls)})
    value = f"a value of type {getattr(hint, '__name__', hint)}"
    return OptionError(name, "nothing", value)


def _unknown(name: str, known: set[str]) -> OptionError:
    return OptionError(name, UNKNOWN, one_of([*known]))
