"""The rule of a verdict, the support of claims by printed values, and counts."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trajprompt.errors import TrajpromptError
from trajprompt.report.numbers import verdicts
from trajprompt.report.numbers.claims import DIRECTIONS
from trajprompt.report.numbers.verdicts import (
    CONTRADICTED,
    CONTRADICTION,
    NO,
    NO_DIFFERENCE,
    NOT_JUDGED,
    NOT_PRINTED,
    REPRODUCED,
    TOO_NOISY,
    UNKNOWN,
    WITHIN_DELTA,
    YES,
    count_verdicts,
    published_supports,
    verdict,
)
from trajprompt.report.read.papers import THIS_REPOSITORY

NAN = float("nan")


@pytest.mark.parametrize(
    "direction, low, high, expected",
    [
        ("greater", 0.1, 2.0, REPRODUCED),  # beyond 0, not beyond δ
        ("greater", 1.1, 2.0, REPRODUCED),
        ("greater", -2.0, -0.1, CONTRADICTED),
        ("greater", 0.1, 0.9, NO_DIFFERENCE),  # takes precedence
        ("greater", -0.9, -0.1, NO_DIFFERENCE),
        ("greater", -0.9, 0.9, NO_DIFFERENCE),
        ("greater", 0.0, 0.0, NO_DIFFERENCE),  # no variation between seeds
        ("greater", -0.9, 1.1, TOO_NOISY),
        ("greater", NAN, NAN, TOO_NOISY),  # one seed
        ("at-least", -0.9, 0.5, REPRODUCED),
        ("at-least", -0.9, 5.0, REPRODUCED),
        ("at-least", 3.0, 9.0, REPRODUCED),
        ("at-least", -3.0, -1.1, CONTRADICTED),
        ("at-least", -1.1, 5.0, TOO_NOISY),
        ("equivalent", -0.9, 0.9, REPRODUCED),
        ("equivalent", 0.0, 0.0, REPRODUCED),
        ("equivalent", 1.1, 2.0, CONTRADICTED),
        ("equivalent", -2.0, -1.1, CONTRADICTED),
        ("equivalent", -0.5, 1.5, TOO_NOISY),
        ("equivalent", -5.0, 5.0, TOO_NOISY),
        ("equivalent", NAN, NAN, TOO_NOISY),
    ],
)
def test_every_verdict(direction, low, high, expected):
    assert verdict(direction, low, high, delta=1.0) == expected


def test_unknown_directions_are_errors():
    with pytest.raises(TrajpromptError, match="less"):
        verdict("less", 0.0, 1.0, 1.0)


@given(st.sampled_from(DIRECTIONS), st.floats(-9, 9), st.floats(0.01, 9), st.floats(0.1, 3))
def test_decided_claims_exclude_the_tested_value(direction, middle, half, delta):
    """So that p and verdict agree, except for no difference."""
    found = verdict(direction, middle - half, middle + half, delta)
    distance = abs(middle - verdicts.tested_value(direction, middle, delta))
    if abs(distance - half) > 1e-9 and found != NO_DIFFERENCE:
        assert (found in (REPRODUCED, CONTRADICTED)) == (distance > half)


@pytest.mark.parametrize(
    "direction, printed, delta, expected",
    [
        ("greater", 0.1, 1.0, YES),
        ("greater", -6.6, 1.0, NO),
        ("greater", 0.0, 1.0, NO),  # a tie is not greater
        ("greater", 0.6, None, YES),
        ("greater", None, 1.0, NOT_PRINTED),
        ("at-least", 0.0, 1.0, YES),
        ("at-least", -0.9, 1.0, WITHIN_DELTA),
        ("at-least", -1.1, 1.0, NO),
        ("at-least", 3.0, None, UNKNOWN),
        ("equivalent", -0.9, 1.0, YES),
        ("equivalent", 25.7, 1.0, NO),
        ("equivalent", 0.0, None, UNKNOWN),
    ],
)
def test_support_by_a_printed_difference(direction, printed, delta, expected):
    assert published_supports(direction, printed, delta) == expected


def test_a_contrast_counts_once_however_many_claims_lean_on_it():
    contrast = {"paper": "p", "suite": "s", "direction": "greater", "first": "a"}
    contrast |= {"second": "b", "minus": ""}
    rows = [
        {"claim": "not judged here", "verdict": NOT_JUDGED} | contrast,
        {"claim": "one", "verdict": REPRODUCED} | contrast,
        {"claim": "the same", "verdict": REPRODUCED} | contrast,
        {"claim": "other suite", "verdict": REPRODUCED} | contrast | {"suite": "t"},
        {"claim": "other minus", "verdict": TOO_NOISY} | contrast | {"minus": "c d"},
        {"claim": "other paper", "verdict": REPRODUCED} | contrast | {"paper": "q"},
        {"claim": "ours", "verdict": REPRODUCED} | contrast | {"paper": THIS_REPOSITORY},
        {"claim": "no contrast", "verdict": NOT_JUDGED, "paper": "p"},
        {"claim": "no contrast either", "verdict": NOT_JUDGED, "paper": "p"},
        {"claim": "says", "verdict": CONTRADICTION, "paper": "p", "first": "a"},
    ]
    counts = count_verdicts(pd.DataFrame(rows))
    expected = {REPRODUCED: 3, TOO_NOISY: 1, NOT_JUDGED: 2}
    assert {name: n for name, n in counts[False].items() if n} == expected
    assert {name: n for name, n in counts[True].items() if n} == {REPRODUCED: 1}
