"""Options as the config writes them: types, missing keys, ranges, nulls."""

from dataclasses import dataclass

import pytest

from trajprompt.errors import TrajpromptError
from trajprompt.settings.options import (
    at_least,
    one_of,
    parse_options,
    parse_together,
    positive,
    share,
)


@dataclass(frozen=True)
class First:
    count: int
    rate: float = 0.5
    limit: float | None = None
    flag: bool = False
    kind: str = "a"

    def __post_init__(self):
        at_least(self, 1, "count")
        positive(self, "rate")
        share(self, "rate")
        one_of(self, ("a", "b"), "kind")


@dataclass(frozen=True)
class Second:
    size: int = 3

    def __post_init__(self):
        if self.size > 5:
            raise ValueError("a size of 5 or less")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "here.count: found nothing; expected a value of type int"),
        ({"count": None}, "here.count: found nothing"),
        ({"count": 1, "rat": 1}, "here.rat: found an unknown option; .*count, .*rate"),
        ({"count": 1.0}, "here.count: found 1.0; .*int"),
        ({"count": True}, "here.count: found True; .*int"),
        ({"count": "1"}, "here.count: found '1'; .*int"),
        ({"count": 0}, "here.count: found 0; expected at least 1"),
        ({"count": 1, "rate": "1e-3"}, "here.rate: found '1e-3'; .*write 1.0e-4"),
        ({"count": 1, "rate": float("inf")}, "here.rate: found inf; .*finite"),
        ({"count": 1, "rate": 0}, "here.rate: found 0.0; expected more than 0"),
        ({"count": 1, "rate": 2}, "here.rate: found 2.0; expected 0 to 1"),
        ({"count": 1, "limit": "x"}, "here.limit: found 'x'; .*finite number"),
        ({"count": 1, "limit": [1]}, r"here.limit: found \[1\]; .*finite number"),
        ({"count": 1, "flag": 1}, "here.flag: found 1; .*bool"),
        ({"count": 1, "kind": "c"}, "here.kind: found 'c'; expected one of a, b"),
    ],
)
def test_wrong_options_are_named(values, message):
    with pytest.raises(TrajpromptError, match=message):
        parse_options(First, values, "here")


def test_whole_numbers_are_floats_where_floats_are_declared():
    options = parse_options(First, {"count": 2, "rate": 1, "limit": 3}, "here")
    assert options == First(2, 1.0, 3.0)
    assert isinstance(options.rate, float) and isinstance(options.limit, float)


def test_null_is_an_absent_key_even_of_another_kind():
    values = {"count": 2, "rate": None, "limit": None, "of_another": None}
    assert parse_options(First, values, "here") == First(2)


def test_flat_options_of_several_kinds():
    assert parse_together((First, Second), {"size": 4, "count": 1}, "here") == [
        First(1),
        Second(4),
    ]


def test_a_plain_value_error_becomes_one_that_a_user_can_read():
    with pytest.raises(TrajpromptError, match="here: found .*6.*; expected a size of 5"):
        parse_options(Second, {"size": 6}, "here")
