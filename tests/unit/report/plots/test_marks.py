"""Limits of axes, and seeds in tables of figures."""

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot

from support.report_table import made, run
from trajprompt.report.numbers.statistics import estimate
from trajprompt.report.plots.estimates import (
    as_drawn,
    difference,
    level,
    renamed,
    seed_values,
)
from trajprompt.report.plots.marks import (
    limit,
    marks_note,
    mean_mark,
    off_axis,
    plural,
    span_of,
)

__all__ = ["made", "run"]  # fixtures


@pytest.mark.parametrize(
    ("reaches", "expected"),
    [
        ([1, 2, 3, 4, 100], 4),  # one outlier
        ([1, 2, 3, 20, 100], 3),  # two of them
        ([1, 2, 3, 8], 8),  # within three times
        ([1, 16], 16),  # too few to tell
        ([1, 1, 10, 11, 12], 12),  # the larger half is no outlier
        ([0.0, 0.0], 1.0),
    ],
)
def test_outliers_are_left_off_the_axis(reaches, expected):
    assert limit(reaches) == expected


def test_the_axis_has_zero_and_all_marks_up_to_the_limit():
    rows = pd.DataFrame(
        {"mean": [2.0, 90.0], "low": [1.0, 80.0], "high": [5.0, 100.0]}
        | {"paper": [-3.0, np.nan], "by_seed": ["1 6", "80 100"]}
    )
    low, high = span_of(rows, 6.0)
    assert low == pytest.approx(-3 - 0.07 * 9) and high == pytest.approx(6 + 0.07 * 9)


def test_means_have_their_seeds_and_their_interval():
    row = pd.Series({"mean": 2.0, "low": 1.0, "high": 3.0, "by_seed": "0.5 3.5"})
    figure, axis = pyplot.subplots()
    mean_mark(axis, row, 4.0, "k")
    dots, bar, mean = (line.get_xydata().tolist() for line in axis.lines)
    assert dots == [[0.5, 4], [3.5, 4]] and bar == [[1, 4], [3, 4]] and mean == [[2, 4]]
    mean_mark(axis, row, 4.0, "k", upright=True)
    assert axis.lines[-1].get_xydata().tolist() == [[4, 2]]
    axis.set_xlim(0, 5)
    off_axis(axis, -30.0, 1.0, "k", "-30")
    arrow = axis.lines[-1]
    pyplot.close(figure)
    assert arrow.get_xydata().tolist() == [[0, 1]] and arrow.get_marker() == "<"


def test_estimates_have_the_value_of_every_seed(run):
    scores = np.random.default_rng(0).normal(size=(4, 3))
    found = level(run, [scores], "x")
    assert found["mean"] == pytest.approx(scores.mean())
    assert seed_values(found["by_seed"]) == pytest.approx(scores.mean(axis=0), rel=1e-5)
    assert {"low", "high", "seeds", "tasks"} <= set(vars(estimate([scores])))
    gain = difference(run, [scores + 2], [scores], "x")
    bounds = [gain["low"], gain["mean"], gain["high"], *seed_values(gain["by_seed"])]
    assert bounds == pytest.approx([2] * 6)
    drawn = as_drawn(pd.DataFrame([renamed(gain, "gain") | {"mean": 7.0}]), "gain")
    assert drawn.iloc[0].to_dict() == {
        k: gain[k] for k in ("mean", "low", "high", "by_seed")
    }


def test_one_seed_has_neither_dots_nor_bars(run):
    found = level(run, [np.ones((3, 1))], "x")
    assert seed_values(found["by_seed"]).size == 0 and np.isnan(found["low"])
    assert marks_note(pd.DataFrame([found])) == "one seed: no intervals"


def test_plurals():
    assert [plural(n, "seed") for n in (1, 5, "1", "2 to 5")] == [
        "1 seed",
        "5 seeds",
        "1 seed",
        "2 to 5 seeds",
    ]
