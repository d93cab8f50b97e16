"""Return on fresh episodes against simulator episodes used: methods at equal budgets.

The figure is self-contained. A point is the prompt that the method would return after that
number of episodes, evaluated on fresh episodes and not on those of the search.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from trajprompt.report.numbers.cell_table import EXPERT_DATA, TEACHER_LABELS
from trajprompt.report.pages.markdown import suite_label
from trajprompt.report.plots.direct_labels import (
    End,
    end_of,
    heading,
    method_lines,
    untuned_end,
)
from trajprompt.report.plots.figure import Figure, sample_sizes
from trajprompt.report.plots.kinds.queries import table as query_table
from trajprompt.report.plots.style import BLACK, GREY, canvas, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANEL_INCHES, HEAD_INCHES = 3.6, 0.6


def table(figure: Figure) -> pd.DataFrame:
    """Same columns as `queries`, plus one row per suite for the data's expert episodes."""
    expert = [_expert_row(figure, suite) for suite in figure.covered(figure.compared)]
    return pd.concat([query_table(figure), pd.DataFrame(expert)], ignore_index=True)


def _expert_row(figure: Figure, suite: str) -> dict[str, object]:
    teacher = figure.run.teacher(suite)
    row: dict[str, object] = {"column": EXPERT_DATA, "label": TEACHER_LABELS[EXPERT_DATA]}
    row |= {"suite": suite, "mean": teacher.expert.mean(), "tasks": len(teacher.tasks)}
    return row | {"episodes": teacher.episodes}


def draw(rows: pd.DataFrame, figure: Figure, stem: Path) -> None:
    """Draw a panel per suite with a line per method, labelled at its end."""
    suites = figure.covered(figure.compared)
    methods = rows[rows["column"] != EXPERT_DATA]
    height = HEAD_INCHES + PANEL_INCHES * len(suites)
    with canvas(len(suites), 1, height) as (picture, axes):
        for suite, axis in zip(suites, axes[:, 0], strict=True):
            here = rows[rows["suite"] == suite]
            levels = _levels(axis, here, figure.settings.baseline)
            method_lines(axis, here, figure, levels, marker="o")
            axis.set_title(suite_label(suite))
            axis.set_ylabel("return of the chosen prompt\non fresh episodes")
        text = heading(f"{sample_sizes(methods)} at every point", methods)
        text += "\nmethods without a line in a panel were not run on that suite"
        picture.suptitle(f"{figure.run.title}\n{text}", fontsize=9)
        save(picture, stem)


def _levels(axis: "Axes", rows: pd.DataFrame, baseline: str) -> list[End]:
    """Draw the levels without tuning: the untuned prompt and the data's expert episodes."""
    ends = []
    for name, colour, dashes in ((baseline, BLACK, ":"), (EXPERT_DATA, GREY, "-.")):
        level = rows[rows["column"] == name]
        if level.empty:
            continue
        end = end_of(level, colour)
        style: dict[str, Any] = {"color": colour, "ls": dashes, "lw": 1.5}
        axis.axhline(end.mean, **style)
        ends.append(untuned_end(end) if name == baseline else end)
    return ends
