"""Selection values beside returns on fresh episodes."""

import numpy as np
import pytest
from scipy import stats

from support.plots_run import (
    COLUMNS,
    LEVEL,
    OVERESTIMATE,
    PLAYED,
    SEEDS,
    make_figure,
)
from support.plots_tables import FIGURES, kind_table
from trajprompt.commands.figure import main

HALF = stats.t.isf(0.025, 1)  # half-width of the 95 % interval, in standard errors


def test_selection_values_are_shown_beside_fresh_means(tmp_path):
    rows = kind_table(tmp_path, "winners-curse").set_index("column")
    for name in ("bandit", "best-of-n"):
        row = rows.loc[name]
        expected = LEVEL + COLUMNS[name][2] + 2 * np.mean(SEEDS) + OVERESTIMATE
        assert row["selection"] == pytest.approx(expected)
        assert row["difference"] == pytest.approx(row["selection"] - row["mean"])
        assert row["difference_low"] <= row["difference"] <= row["difference_high"]
    for name in ("random-segments", "ptdt-online"):
        assert np.isnan(rows.loc[name, ["selection", "difference"]].to_numpy(float)).all()
        assert not np.isnan(rows.loc[name, "mean"])


def test_all_episodes_played_are_averaged(tmp_path):
    rows = kind_table(tmp_path, "winners-curse").set_index("column")
    for name in ("bandit", "best-of-n", "random-segments", "ptdt-online"):
        level = LEVEL + PLAYED[COLUMNS[name][1]] + 2 * np.mean(SEEDS)
        bounds = rows.loc[name, ["played_low", "played", "played_high"]].to_numpy(float)
        # Two seeds, 2 apart: their mean has the standard error 1.
        assert bounds == pytest.approx([level - HALF, level, level + HALF])


def test_a_method_without_a_selection_value_has_dashes(tmp_path):
    made = make_figure(tmp_path, "winners-curse", *FIGURES["winners-curse"])
    main(made.command(tmp_path / "out"))
    text = (tmp_path / "out/tables/my_winners_curse.md").read_text()
    lines = [line.split(" | ") for line in text.splitlines() if line.startswith("| ")]
    cells = {line[0].strip("| "): line[1:] for line in lines}
    assert cells[""][:2] == ["mean of all episodes played", "selection value"]
    interval = f"-69.0 [{-69 - HALF:.1f}, {-69 + HALF:.1f}]"
    assert cells["RANDOM-SEGMENTS"][0] == interval
    assert cells["RANDOM-SEGMENTS"][1] == cells["RANDOM-SEGMENTS"][3].strip("| ") == "–"
    assert "[" in cells["BANDIT"][3] and "winner's curse" in text


def test_methods_without_any_selection_value_can_be_shown(tmp_path):
    made = make_figure(tmp_path, "winners-curse", ("random-segments", "ptdt-online"))
    main(made.command(tmp_path / "out"))
    text = (tmp_path / "out/tables/my_winners_curse.md").read_text()
    assert "| RANDOM-SEGMENTS | -69.0 [-81.7, -56.3] | – |" in text


def test_the_evaluation_is_not_called_fresh_where_resets_are_equal(tmp_path):
    entries, baseline = FIGURES["winners-curse"]
    suites = ("cheetah-vel", "reach")
    made = make_figure(tmp_path, "winners-curse", entries, baseline, suites)
    main(made.command(tmp_path / "out"))
    text = (tmp_path / "out/tables/my_winners_curse.md").read_text()
    moving, equal = text.split("MW reach")
    assert "| on fresh episodes |" in moving and "| on fresh episodes |" not in equal
    assert "| on the tuned episode |" in equal
