"""Bars of prompt qualities."""

import pytest

from support.plots_tables import numbers


def test_bars_have_the_quality_of_their_prompt(tmp_path):
    rows = numbers(tmp_path, "prompt-quality").set_index(["method", "prompt_quality"])
    fall = rows.loc[("none", "random"), "mean"] - rows.loc[("none", "expert"), "mean"]
    assert fall == pytest.approx(-60, abs=2)
