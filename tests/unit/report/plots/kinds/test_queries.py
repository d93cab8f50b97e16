"""Returns against queries."""

import pandas as pd
import pytest

from support.plots_run import COLUMNS, make_figure
from support.plots_tables import FIGURES, kind_table, table_of


def test_queries_start_on_the_untuned_level(tmp_path):
    rows = kind_table(tmp_path, "queries")
    level = rows[rows["column"] == "prompt-dt"].iloc[0]
    start = rows[(rows["column"] == "ptdt-online") & (rows["iteration"] == 0)].iloc[0]
    assert start["mean"] == pytest.approx(level["mean"])
    assert start["gain"] == pytest.approx(0, abs=1e-9) and level["gain"] == 0
    assert start["episodes"] == level["episodes"] == 3  # the episodes of the tables
    assert rows["queries"].min() == 0 and rows["queries"].max() == 600


def test_gains_are_paired_by_episode(tmp_path):
    """Episodes differ by their noise; a point with fewer of them still has none."""
    rows = kind_table(tmp_path, "queries").set_index(["column", "iteration"])
    for name in ("ptdt-offline", "ptdt-online"):
        total = COLUMNS[name][2]
        gains = [rows.loc[(name, n), "gain"] for n in (0, 2, 4)]
        assert gains == pytest.approx([0, total / 2, total], abs=1e-9)
    assert rows.loc[("ptdt-online", 2), "episodes"] == 2


def test_queries_that_judge_iterates_are_left_out(tmp_path):
    """Two queries per iterate, which methods report from iteration 0 on."""
    entries, baseline = FIGURES["queries"]
    made = make_figure(tmp_path, "queries", entries, baseline)
    before = table_of(made)
    for path in made.evaluations:
        table = pd.read_csv(path)
        table["queries"] += 2 * (table["iteration"] + 1)
        table.to_csv(path, index=False)
    pd.testing.assert_frame_equal(table_of(made), before)


def test_the_last_point_is_the_tables_value(tmp_path):
    entries, baseline = FIGURES["queries"]
    made = make_figure(tmp_path, "queries", entries, baseline)
    rows = table_of(made).set_index(["column", "iteration"])
    files = [path for path in made.evaluations if path.parent.name == "ptdt-offline"]
    table = pd.concat([pd.read_csv(path) for path in files])
    last = table[table["checkpoint"] == "last"]["return"].mean()
    assert rows.loc[("ptdt-offline", 4), "mean"] == pytest.approx(last)
