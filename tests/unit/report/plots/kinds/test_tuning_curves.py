"""Tuning curves by prompt quality and data quality."""

import pytest

from support.plots_run import make_figure
from support.plots_tables import kind_table, table_of
from trajprompt.errors import TrajpromptError


def test_curves_have_both_qualities(tmp_path):
    rows = kind_table(tmp_path, "tuning-curves")
    found = set(zip(rows["prompt_quality"], rows["data_quality"], strict=True))
    assert found == {("expert", "expert"), ("random", "expert"), ("expert", "random")}
    start = rows[rows["iteration"] == 0].set_index("column")["mean"]
    assert start["ptdt-expert-random"] < start["ptdt-offline"] - 40


def test_a_cell_without_a_curve_is_named(tmp_path):
    made = make_figure(tmp_path, "tuning-curves", ("prompt-dt",))
    with pytest.raises(TrajpromptError, match="cheetah-vel/expert/none.*curve"):
        table_of(made)
