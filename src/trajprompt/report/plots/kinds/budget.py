"""Gain over the untuned prompt against simulator episodes used: methods at equal budgets.

The figure is self-contained. A point is the prompt that the method would return after that
number of episodes, evaluated on fresh episodes and not on those of the search. Where all
resets of a suite are equal there are no fresh episodes, and the heading says so.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from trajprompt.report.numbers.cell_table import EXPERT_DATA, TEACHER_LABELS
from trajprompt.report.pages.formats import number, suite_label
from trajprompt.report.plots.curves import curve_rows, level_row
from trajprompt.report.plots.direct_labels import (
    End,
    bars_note,
    end_of,
    left_out,
    method_lines,
    untuned_end,
)
from trajprompt.report.plots.estimates import as_drawn
from trajprompt.report.plots.figure import Figure, equal_resets, fresh, sample_sizes
from trajprompt.report.plots.style import BLACK, GREY, canvas, headline, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANEL_INCHES, HEAD_INCHES = 3.6, 0.9
SHOWN = 1.5  # the expert level is drawn up to this multiple of the largest gain


def table(figure: Figure) -> pd.DataFrame:
    """Returns and gains: rows of every curve, of the baseline, and of the expert data."""
    rows = []
    for suite in figure.covered(figure.compared):
        if figure.baseline.covers(suite):
            rows.append(level_row(figure.run, figure.baseline, suite))
        for entry in figure.compared:
            if entry.covers(suite):
                rows += curve_rows(figure.run, entry, suite, figure.baseline)
        rows.append(_expert_row(figure, suite))
    return pd.DataFrame(rows)


def _expert_row(figure: Figure, suite: str) -> dict[str, object]:
    teacher = figure.run.teacher(suite)
    row: dict[str, object] = {"column": EXPERT_DATA, "label": TEACHER_LABELS[EXPERT_DATA]}
    row |= {"suite": suite, "mean": teacher.expert.mean(), "tasks": len(teacher.tasks)}
    if figure.baseline.covers(suite):
        untuned = figure.run.scores(figure.baseline)[suite].values.mean()
        row |= {"gain": teacher.expert.mean() - untuned}
    return row | {"episodes": teacher.episodes}


def draw(rows: pd.DataFrame, figure: Figure, stem: Path) -> None:
    """Draw a panel per suite with a line per method, labelled at its end."""
    suites = figure.covered(figure.compared)
    methods = rows[rows["column"] != EXPERT_DATA]
    height = HEAD_INCHES + PANEL_INCHES * len(suites)
    with canvas(len(suites), 1, height) as (picture, axes):
        for suite, axis in zip(suites, axes[:, 0], strict=True):
            here = as_drawn(rows[rows["suite"] == suite], "gain")
            title = _title(rows[rows["suite"] == suite], suite, figure)
            axis.set_title(title, fontsize=9)
            axis.set_ylabel(f"gain of the chosen prompt\non {fresh(suite)}")
            levels = _levels(axis, here, figure.settings.baseline)
            method_lines(axis, here, figure, levels, steps=True)
        notes = [f"{sample_sizes(methods)} at every point", bars_note(methods)]
        notes += ["gain: return − untuned prompt's, paired by task and seed"]
        notes += ["marks: evaluated choices", equal_resets(suites)]
        headline(picture, figure.run.title, *notes)
        save(picture, stem)


def _title(rows: pd.DataFrame, suite: str, figure: Figure) -> str:
    """Suite, return of the untuned prompt, and gain of the expert data."""
    by_column = rows.drop_duplicates("column").set_index("column")
    text = suite_label(suite)
    if figure.settings.baseline in by_column.index:
        text += f": untuned {number(by_column.loc[figure.settings.baseline, 'mean'])}"
    text += f", expert data {number(by_column.loc[EXPERT_DATA, 'mean'])}"
    return f"{text}\n{left_out(figure, suite)}".rstrip()


def _levels(axis: "Axes", rows: pd.DataFrame, baseline: str) -> list[End]:
    """Draw the levels without tuning: the untuned prompt, and the expert data if near."""
    ends = []
    methods = rows[rows["column"] != EXPERT_DATA]
    largest = methods[["mean", "high"]].abs().max().max()
    for name, colour, dashes in ((baseline, BLACK, ":"), (EXPERT_DATA, GREY, "-.")):
        level = rows[(rows["column"] == name) & rows["mean"].notna()]
        if level.empty or abs(level["mean"].iloc[0]) > SHOWN * largest:
            continue
        end = end_of(level, colour)
        style: dict[str, Any] = {"color": colour, "ls": dashes, "lw": 1.5}
        axis.axhline(end.mean, **style)
        ends.append(untuned_end(end) if name == baseline else end)
    return ends
