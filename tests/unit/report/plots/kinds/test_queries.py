"""Returns against queries."""

import pytest

from support.plots_tables import kind_table


def test_queries_start_on_the_untuned_level(tmp_path):
    rows = kind_table(tmp_path, "queries")
    level = rows[rows["column"] == "prompt-dt"].iloc[0]
    start = rows[(rows["column"] == "ptdt-online") & (rows["iteration"] == 0)].iloc[0]
    assert start["mean"] == pytest.approx(level["mean"])
    assert start["episodes"] == level["episodes"] == 2  # the episodes of the curves
    assert rows["queries"].max() == 600
