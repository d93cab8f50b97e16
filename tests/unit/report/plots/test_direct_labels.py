"""Labels beside the ends of lines."""

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot

from trajprompt.report.plots.direct_labels import End, label_ends, line, spread_out, style


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ([0.2, 0.8], [0.2, 0.8]),  # already apart
        ([0.5, 0.5], [0.45, 0.55]),
        ([0.52, 0.48, 0.9], [0.55, 0.45, 0.9]),
        ([0.0, 0.0, 0.0], [0.0, 0.1, 0.2]),
        ([1.0, 1.0], [0.9, 1.0]),
    ],
)
def test_labels_are_moved_as_little_as_possible(places, expected):
    assert spread_out(np.array(places), 0.1) == pytest.approx(np.array(expected))


def test_labels_keep_their_order_and_distance():
    places = np.random.default_rng(0).uniform(size=9) ** 3
    moved = spread_out(places, 0.1)
    assert (np.argsort(moved) == np.argsort(places)).all()
    assert np.diff(np.sort(moved)).min() >= 0.1 - 1e-9
    assert moved.min() >= 0 and moved.max() <= 1


def test_ten_lines_have_colours_of_their_own_and_40_have_distinct_styles():
    assert len({style(number)[0] for number in range(10)}) == 10
    assert len({style(number) for number in range(40)}) == 40


def test_labels_are_ordered_from_the_highest_to_the_lowest_line():
    figure, axis = pyplot.subplots()
    axis.plot([0, 1], [0, 10])
    label_ends(axis, [End("low", "k", 2.0), End("high", "k", 9.0, 8.0, 12.0)])
    assert axis.get_ylim()[1] > 12  # includes the interval
    heights = {text.get_text(): text.xyann[1] for text in axis.texts}
    pyplot.close(figure)
    assert heights["high"] > heights["low"]


def test_a_search_holds_its_choice_until_the_next_mark():
    """One mark per number of episodes, at which the last record counts; no slopes."""
    columns = {"queries": [0, 25, 25, 50], "iteration": [0, 1, 2, 3], "label": "a"}
    rows = pd.DataFrame(columns | {"mean": [0.0, 1, 2, 5], "low": np.nan, "high": np.nan})
    figure, axis = pyplot.subplots()
    end = line(axis, rows, 0, steps=True)
    (drawn,) = axis.lines
    pyplot.close(figure)
    assert drawn.get_xydata().tolist() == [[0, 0], [25, 2], [50, 5]]
    assert drawn.get_drawstyle() == "steps-post" and drawn.get_marker() == "o"
    assert end.mean == 5
