"""Figures of the whole run: the aggregate and the learning curves."""

import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from trajprompt.report.plots.aggregate_figure import OTHERS, draw_aggregate
from trajprompt.report.plots.learning import draw_collection, draw_pretraining


@pytest.fixture
def saved(monkeypatch) -> list[Figure]:
    """Figures that were saved, each once."""
    found: list[Figure] = []
    original = Figure.savefig

    def savefig(figure, *arguments, **options):
        original(figure, *arguments, **options)
        if figure not in found:
            found.append(figure)

    monkeypatch.setattr(Figure, "savefig", savefig)
    return found


VALUES = {"untuned": 0.9, "a": 0.93, "b": 0.88, "c": 0.91, "d": 0.89, "e": 0.92, "far": 0.1}


def _aggregate(values: dict[str, float]) -> tuple[pd.DataFrame, ...]:
    levels = np.round(np.arange(0, 1.2, 0.05), 2)
    means, profiles, beats = [], [], []
    for name, value in values.items():
        row = {"suites": "reach ant-dir", "column": name, "label": name, "seeds": 5}
        means.append(row | {"value": value, "low": value - 0.01, "high": value + 0.01})
        shares = 1 / (1 + np.exp(40 * (levels - value)))
        for level, share in zip(levels, shares, strict=True):
            ends = {"value": share, "low": share - 0.02, "high": share + 0.02}
            profiles.append(row | {"level": level} | ends)
        if name != "untuned":
            ends = {"value": 0.6, "low": 0.5, "high": 0.7}
            beats.append({"first": name, "second": "untuned"} | ends)
    return tuple(map(pd.DataFrame, (means, profiles, beats)))


def test_the_aggregate_is_ordered_and_not_scaled_by_an_outlier(saved, tmp_path):
    draw_aggregate(*_aggregate(VALUES), tmp_path / "drawn")
    left, middle, right, _ = saved[0].axes
    assert [tick.get_text() for tick in left.get_yticklabels()] == [
        *("a", "e", "c", "untuned", "d", "b", "far")
    ]
    low, high = left.get_xlim()
    assert 0.8 < low < 0.88 - 0.01 and 0.93 + 0.01 < high < 1
    assert [text.get_text() for text in left.texts] == ["0.10"]
    assert next(tick.get_text() for tick in middle.get_yticklabels()) == "a"
    assert len(right.lines) == 1 + OTHERS == len({line.get_color() for line in right.lines})
    assert len(right.collections) == 1 + OTHERS  # bands
    heading = saved[0].get_suptitle()
    assert "All methods over all suites\n5 seeds" in heading and "arrows" in heading


def test_a_single_method_has_no_improvement(saved, tmp_path):
    means, profiles, _ = _aggregate({"untuned": 0.9})
    beats = pd.DataFrame(columns=["first", "second", "value", "low", "high"])
    draw_aggregate(means, profiles, beats, tmp_path / "drawn")
    left, middle, *_ = saved[0].axes
    assert left.get_yticklabels()[0].get_text() == "untuned"
    assert not middle.axison


def test_without_a_suite_to_normalise_by_there_is_only_a_note(saved, tmp_path):
    """All values are NaN if expert episodes beat random actions on no task."""
    tables = [
        table.assign(value=np.nan, low=np.nan, high=np.nan) for table in _aggregate(VALUES)
    ]
    draw_aggregate(*tables, tmp_path / "drawn")
    assert not any(axis.axison for axis in saved[0].axes)
    assert "expert episodes beat random actions on no task" in saved[0].get_suptitle()


def test_arrows_are_explained_only_if_there_are_any(saved, tmp_path):
    near = {name: value for name, value in VALUES.items() if name != "far"}
    draw_aggregate(*_aggregate(near), tmp_path / "drawn")
    assert "arrows" not in saved[0].get_suptitle()
    assert not saved[0].axes[0].texts


def test_collection_has_the_number_of_tasks_and_ticks_apart(saved, tmp_path):
    steps = np.arange(0, 44_001, 4_000)
    table = pd.DataFrame({"environment_steps_per_task": steps, "mean_return": steps * 1.0})
    table = table.assign(
        worst_task_return=0.0, best_task_return=9e4, suite="reach", tasks=20
    )
    draw_collection(table, tmp_path / "drawn")
    axis = saved[0].axes[0]
    assert axis.get_title() == "MW reach, 20 tasks"
    assert "range of the tasks" in saved[0].get_suptitle()
    _check_ticks(saved[0], axis.get_xticklabels(), 0)


@pytest.mark.parametrize("lowest", [0.06, 0.0004])
def test_ticks_of_losses_are_apart_and_the_legend_is_whole(lowest, saved, tmp_path):
    rows = []
    for number in range(7):
        for seed in (0, 1):
            for step in (100, 200, 300):
                loss = 0.1 if step == 100 else lowest
                name = f"a-long-name-{number}"
                rows.append([step, loss, loss, "reach", name, seed])
    columns = ["step", "train_loss", "validation_loss", "suite", "backbone", "seed"]
    draw_pretraining(pd.DataFrame(rows, columns=columns), tmp_path / "drawn")
    figure = saved[0]
    _check_ticks(figure, figure.axes[0].get_yticklabels(), 1)
    assert "2 seeds" in figure.get_suptitle() and "dropout" in figure.get_suptitle()
    box = figure.legends[0].get_window_extent()
    assert box.x0 >= 0 and box.x1 <= figure.bbox.width


def _check_ticks(figure, labels, axis: int) -> None:
    """Check that tick labels inside the axes do not overlap; at least two are shown."""
    boxes = [label.get_window_extent() for label in labels if label.get_text()]
    spans = sorted((box.intervalx, box.intervaly)[axis].tolist() for box in boxes)
    assert len(spans) >= 2
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(spans))
