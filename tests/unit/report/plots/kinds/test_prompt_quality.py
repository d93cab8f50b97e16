"""Bars of prompt qualities."""

import pytest

from support.plots_tables import kind_table


def test_bars_are_by_the_quality_of_the_prompt(tmp_path):
    rows = kind_table(tmp_path, "prompt-quality").set_index(["method", "prompt_quality"])
    fall = rows.loc[("none", "random"), "mean"] - rows.loc[("none", "expert"), "mean"]
    assert fall == pytest.approx(-60, abs=2)
