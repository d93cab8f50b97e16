"""Returns against the budget of simulator episodes."""

import pytest

from support import report_run
from support.plots_run import (
    COLUMNS,
)
from support.plots_tables import FIGURES, kind_table
from trajprompt.report.numbers.cell_table import EXPERT_DATA


def test_budgets_have_the_queries_and_the_level_of_the_expert_data(tmp_path):
    rows = kind_table(tmp_path, "budget")
    start = rows[(rows["column"] == "bandit") & (rows["queries"] == 0)].iloc[0]
    level = rows[rows["column"] == "prompt-dt"].iloc[0]
    assert start["mean"] == pytest.approx(level["mean"])
    end = rows[(rows["column"] == "bandit") & (rows["queries"] == 600)].iloc[0]
    assert end["mean"] - start["mean"] == pytest.approx(COLUMNS["bandit"][2])
    expert = rows[rows["column"] == EXPERT_DATA]
    assert expert["mean"].tolist() == [report_run.LEVELS["cheetah-vel"][1]]
    assert set(rows["column"]) == {*FIGURES["budget"][0], EXPERT_DATA}
