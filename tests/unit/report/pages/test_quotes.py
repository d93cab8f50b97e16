"""Quotes of claims in pages: replaced by a run's values, and unknown ones refused."""

import pandas as pd
import pytest

from trajprompt.errors import TrajpromptError
from trajprompt.report.pages.quotes import judged, with_current_quotes

ROWS = [
    ("ptdt-online-helps", "cheetah-vel", "too noisy", 2.24, -3.31, 7.7),
    ("ptdt-online-helps", "ant-dir", "reproduced", 152.4, 111.0, 193.2),
    ("ptdt-online-helps", "walker2d-medium", "too noisy", 0.5, -1.0, 2.0),
    ("pd-beats-ptdt", "cheetah-vel", "not tested", None, None, None),
]
COLUMNS = ["claim", "suite", "verdict", "difference", "low", "high"]
CLAIMS = judged(pd.DataFrame(ROWS, columns=COLUMNS))


def current(text):
    return with_current_quotes(text, CLAIMS, "page.md")


def test_values_and_verdicts_are_replaced():
    old = "Gain: +9.9 [1.0, 2.0] on cheetah-vel, reproduced (`ptdt-online-helps`)."
    new = "Gain: +2.2 [−3.3, 7.7] on cheetah-vel, too noisy (`ptdt-online-helps`)."
    assert current(old) == new
    assert current(new) == new


def test_a_suites_name_may_have_digits():
    old = "+9.9 [1.0, 2.0] on walker2d-medium, reproduced (`ptdt-online-helps`)"
    new = "+0.5 [−1.0, 2.0] on walker2d-medium, too noisy (`ptdt-online-helps`)"
    assert current(old) == new


def test_several_quotes_share_a_claim_and_lines_stay():
    old = """+1.0 [0.0, 2.0] on cheetah-vel, too noisy; +3.0 [1.0,
        4.0] on ant-dir, too noisy
        (`ptdt-online-helps`)"""
    found = current(old)
    assert "+2.2 [−3.3, 7.7] on cheetah-vel, too noisy; +152 [111," in found
    assert "193] on ant-dir, reproduced" in " ".join(found.split())
    assert found.count("\n") == 2


def test_rows_of_tables_are_replaced():
    old = "| Online | ant-dir | −5.0 [−6.0, −4.0] | contradicted | `ptdt-online-helps` |"
    new = "| Online | ant-dir | +152 [111, 193] | reproduced | `ptdt-online-helps` |"
    assert current(old) == new


def test_other_text_is_unchanged():
    text = "A table of 5 [1, 2] numbers and `ptdt-online-helps` alone."
    assert current(text) == text


@pytest.mark.parametrize("claim", ["pd-beats-ptdt", "no-such-claim"])
def test_a_claim_without_a_difference_is_refused(claim):
    with pytest.raises(TrajpromptError, match=f"page.md.*{claim} on cheetah-vel"):
        current(f"+1.0 [0.0, 2.0] on cheetah-vel, too noisy (`{claim}`)")
