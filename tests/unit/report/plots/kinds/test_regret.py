"""Regret against the best known return."""

import numpy as np
import pytest

from support.plots_run import (
    COLUMNS,
    EPISODES,
    LEVEL,
    PLAYED,
    SEEDS,
    make_figure,
)
from support.plots_tables import kind_table, table_of
from trajprompt.errors import TrajpromptError


def test_regret_is_against_the_best_of_all_lines(tmp_path):
    """The bandit's last prompts have the best known return in this run."""
    rows = kind_table(tmp_path, "regret")
    last = rows[rows["queries"] == EPISODES].set_index("column")
    assert set(last.index) == {"prompt-dt", "bandit", "best-of-n", "ptdt-online"}
    gain = COLUMNS["bandit"][2]
    assert last.loc["prompt-dt", "mean"] == pytest.approx(EPISODES * gain)
    best = last["best_known"].iloc[0]
    assert best == pytest.approx(LEVEL + gain + 2 * np.mean(SEEDS), abs=1.5)
    for name in ("bandit", "best-of-n", "ptdt-online"):
        played = LEVEL + PLAYED[COLUMNS[name][1]] + 2 * np.mean(SEEDS)
        assert last.loc[name, "mean"] == pytest.approx(EPISODES * (best - played))
    assert (rows[rows["queries"] == 0]["mean"] == 0).all()
    middle = rows[(rows["queries"] == EPISODES // 2) & (rows["column"] == "bandit")]
    assert middle["mean"].iloc[0] == pytest.approx(last.loc["bandit", "mean"] / 2)


def test_regret_of_a_method_without_episodes_is_an_error(tmp_path):
    made = make_figure(tmp_path, "regret", ("prompt-dt", "ptdt-offline"), "prompt-dt")
    with pytest.raises(
        TrajpromptError, match="offline/seed0: found extras.*episode_returns"
    ):
        table_of(made)
