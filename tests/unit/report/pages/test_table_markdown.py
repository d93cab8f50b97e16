"""Markdown of numbers, intervals and tables."""

import numpy as np
import pandas as pd
import pytest

from support import report_run
from support.report_table import made, run, table
from trajprompt.report.pages.formats import interval, number, plus_minus
from trajprompt.report.pages.notes import episodes_text, equal_resets_note
from trajprompt.report.pages.table_markdown import table_markdown

__all__ = ["made", "run", "table"]  # fixtures


@pytest.mark.parametrize(
    "value, text",
    [
        (45.45, "45.5"),
        (181.8 / 4, "45.5"),
        (-39.549, "-39.5"),
        (-0.04, "0.0"),
        (0.05, "0.1"),
    ]
    + [(445.275, "445.3"), (1e6, "1000000.0"), (None, "–"), (float("nan"), "–")],
)
def test_rounding(value, text):
    assert number(value) == text


def test_cells_as_text():
    row = pd.Series({"mean": -39.46, "low": -43.21, "high": -35.0})
    assert interval(row) == "-39.5 [-43.2, -35.0]"
    assert interval(pd.Series({"mean": 1.0, "low": np.nan, "high": np.nan})) == "1.0"
    assert plus_minus(934.6, 4.4) == "934.6 ± 4.4"
    assert plus_minus(450.6, None) == "450.6"


def test_markdown_has_ours_beside_published_and_the_misprint(run, table):
    text = table_markdown(table, run)
    assert text.startswith(f"# {report_run.TITLE}\n")
    line = next(line for line in text.splitlines() if line.startswith("| MT-ORL"))
    assert "| -46.2 ± 3.4 |" in line and line.endswith("| 45.5 |")
    assert "the printed 181.8 is the sum" in text
    assert "n = 3 seed(s), 3 evaluation episodes" in text


def test_episodes_are_listed_by_suite_if_they_differ():
    suites = ["reach", "ant-dir", "cheetah-dir", "average"]
    rows = pd.DataFrame({"suite": suites, "episodes": [1, 50, 50, 1]})
    assert episodes_text(rows) == "1 (MW reach) and 50 (Ant-dir, Cheetah-dir)"
    assert episodes_text(rows[1:3]) == "50"
    assert episodes_text(rows[3:]) == "1"
    more = pd.concat([rows, pd.DataFrame({"suite": ["reach"], "episodes": [20]})])
    assert episodes_text(more).startswith("1 to 20 (MW reach)")


def test_tables_with_equal_resets_say_what_was_tuned_on(run, table):
    note = equal_resets_note(("ant-dir", "reach"))
    assert note.startswith("On MW reach all resets are equal")
    assert note in table_markdown(table, run)
    assert equal_resets_note(("ant-dir",)) == ""
