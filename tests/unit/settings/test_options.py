"""Options in the config: types, bounds, missing keys, nested parts, nulls."""

import typing
from dataclasses import dataclass, field
from typing import Literal

import pytest

from trajprompt.errors import TrajpromptError
from trajprompt.settings.options import (
    Count,
    NonNegative,
    OptionError,
    Positive,
    Rate,
    Scale,
    Share,
    Size,
    SmallCount,
    Steps,
    Strict,
    build,
    parse_options,
    parse_together,
)


@dataclass(frozen=True)
class First(Strict):
    count: Count
    rate: Rate = 0.5
    limit: float | None = None
    flag: bool = False
    kind: Literal["a", "b"] = "a"
    samples: Count | Literal["all"] = "all"
    kept: tuple[int, ...] = ()


@dataclass(frozen=True)
class Second(Strict):
    size: int = 3

    def __post_init__(self):
        if self.size > 5:
            raise ValueError("a size of 5 or less")
        if self.size < 0:
            raise OptionError("size", str(self.size), "a size of 0 or more")


@dataclass(frozen=True)
class Nested(Strict):
    part: Second = field(default_factory=Second)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "here.count: found nothing; expected a value of type int"),
        ({"count": None}, "here.count: found nothing"),
        ({"rat": 1}, "here.rat: found an unknown key"),
        ({"count": 1, "rat": 1}, "here.rat: found an unknown key; .*count, .*rate"),
        ({"count": 1.0}, "here.count: found 1.0; .*integer"),
        ({"count": True}, "here.count: found True; .*integer"),
        ({"count": "1"}, "here.count: found '1'; .*integer"),
        ({"count": 0}, "here.count: found 0; expected at least 1$"),
        ({"count": 1, "rate": "1e-3"}, "here.rate: found '1e-3'; .*write 1.0e-4"),
        ({"count": 1, "rate": float("inf")}, "here.rate: found inf; .*finite"),
        ({"count": 1, "rate": float("nan")}, "here.rate: found nan; .*finite"),
        ({"count": 1, "rate": 0}, "here.rate: found 0; expected more than 0$"),
        ({"count": 1, "rate": 2}, "here.rate: found 2; expected at most 1$"),
        ({"count": 1, "limit": "x"}, "here.limit: found 'x'; expected a number$"),
        ({"count": 1, "limit": [1]}, r"here.limit: found \[1\]; expected a number$"),
        ({"count": 1, "flag": 1}, "here.flag: found 1; expected true or false"),
        ({"count": 1, "kind": "c"}, "here.kind: found 'c'; expected one of a, b$"),
        ({"count": 1, "samples": 0}, "here.samples: found 0; .*at least 1 or all$"),
        ({"count": 1, "kept": [1, 2.0]}, "here.kept.1: found 2.0; .*integer"),
    ],
)
def test_wrong_options_are_named(values, message):
    with pytest.raises(TrajpromptError, match=message):
        parse_options(First, values, "here")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"part": {"size": 1.0}}, "here.part.size: found 1.0; expected an integer"),
        ({"part": {"sizes": 1, "size": 0.5}}, "here.part.sizes: .*unknown .*of size$"),
        ({"part": {"size": -1}}, "here.part.size: found -1; expected a size of 0 or more"),
        ({"part": {"size": 6}}, "here.part: found .*6.*; expected a size of 5 or less"),
        ({"part": 6}, "here.part: found 6; expected a mapping"),
    ],
)
def test_wrong_options_of_a_part_are_named(values, message):
    with pytest.raises(TrajpromptError, match=message):
        parse_options(Nested, values, "here")


INTEGERS = {Count: (1, 100_000), SmallCount: (1, 1000), Size: (1, 4096)}
INTEGERS |= {Steps: (0, 10_000_000)}
FLOATS = {Share: (0.0, 1.0), NonNegative: (0.0, 1e6)}
POSITIVE = {Rate: 1.0, Scale: 1000.0, Positive: 1e6}


def made(kind, value):
    fields = {"__annotations__": {"value": kind}, "value": None}
    cls = dataclass(frozen=True)(type("Made", (Strict,), fields))
    return build((cls,), {"value": value})[0].value


@pytest.mark.parametrize(("kind", "bounds"), (INTEGERS | FLOATS).items())
def test_bounds_are_allowed_and_values_beyond_them_are_not(kind, bounds):
    step = type(bounds[0])(1)
    for value in bounds:
        assert made(kind, value) == value
    for value, limit in ((bounds[0] - step, "at least"), (bounds[1] + step, "at most")):
        with pytest.raises(OptionError, match=f"value: found {value}; expected {limit}"):
            made(kind, value)


@pytest.mark.parametrize(("kind", "most"), POSITIVE.items())
def test_a_positive_number_is_more_than_zero(kind, most):
    assert made(kind, most) == most and made(kind, 1e-12) == 1e-12
    with pytest.raises(OptionError, match="value: found 0; expected more than 0"):
        made(kind, 0)
    with pytest.raises(OptionError, match=f"expected at most {most:.0f}"):
        made(kind, 2 * most)


def test_choices_equal_the_keys_of_the_tables_that_they_select_from():
    from trajprompt.collect.options import AgentOptions
    from trajprompt.numerics.device import DTYPES
    from trajprompt.tuning.bandit.exploration import EXPLORERS
    from trajprompt.tuning.bandit.features import FEATURES
    from trajprompt.tuning.generation.options import GenerationOptions
    from trajprompt.tuning.generation.projection import GUIDANCE
    from trajprompt.tuning.methods.prompt_bandit import BanditOptions

    for cls, name, table in (
        (AgentOptions, "precision", ("auto", *DTYPES)),
        (GenerationOptions, "guidance", GUIDANCE),
        (BanditOptions, "exploration", EXPLORERS),
        (BanditOptions, "features", FEATURES),
    ):
        assert typing.get_args(typing.get_type_hints(cls)[name]) == tuple(table)


def test_integers_are_accepted_as_floats():
    options = parse_options(First, {"count": 2, "rate": 1, "limit": 3}, "here")
    assert options == First(2, 1.0, 3.0)
    assert isinstance(options.rate, float) and isinstance(options.limit, float)


def test_null_counts_as_a_missing_key_even_if_the_key_is_unknown():
    values = {"count": 2, "rate": None, "limit": None, "of_another": None}
    assert parse_options(First, values, "here") == First(2)


def test_flat_options_are_split_by_kind():
    assert parse_together((First, Second), {"size": 4, "count": 1}, "here") == [
        First(1),
        Second(4),
    ]


def test_a_value_error_names_the_options():
    with pytest.raises(TrajpromptError, match="here: found .*6.*; expected a size of 5"):
        parse_options(Second, {"size": 6}, "here")
