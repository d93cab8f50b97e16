"""Return on fresh episodes against simulator episodes used: methods at equal budgets.

Made to be read alone: what is played at a point is the prompt that the method would hand
back after so many episodes, never the episodes that it chose by.
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
    not_tuned,
)
from trajprompt.report.plots.figure import Figure, counted
from trajprompt.report.plots.kinds.queries import table as query_table
from trajprompt.report.plots.style import BLACK, GREY, canvas, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANEL_INCHES, HEAD_INCHES = 3.6, 0.6


def table(figure: Figure) -> pd.DataFrame:
    """As of the kind `queries`, and a row per suite for the data's expert episodes."""
    expert = [_expert_row(figure, suite) for suite in figure.covered(figure.compared)]
    return pd.concat([query_table(figure), pd.DataFrame(expert)], ignore_index=True)


def _expert_row(figure: Figure, suite: str) -> dict[str, object]:
    teacher = figure.run.teacher(suite)
    row: dict[str, object] = {"column": EXPERT_DATA, "label": TEACHER_LABELS[EXPERT_DATA]}
    row |= {"suite": suite, "mean": teacher.expert.mean(), "tasks": len(teacher.tasks)}
    return row | {"episodes": teacher.episodes}


def draw(rows: pd.DataFrame, figure: Figure, stem: Path) -> None:
    """A panel per suite, a line per method, named where it ends."""
    suites = figure.covered(figure.compared)
    played = rows[rows["column"] != EXPERT_DATA]
    height = HEAD_INCHES + PANEL_INCHES * len(suites)
    with canvas(len(suites), 1, height) as (picture, axes):
        for suite, axis in zip(suites, axes[:, 0], strict=True):
            here = rows[rows["suite"] == suite]
            levels = _levels(axis, here, figure.settings.baseline)
            method_lines(axis, here, figure, levels, marker="o")
            axis.set_title(suite_label(suite))
            axis.set_ylabel("return of the chosen prompt\non fresh episodes")
        text = heading(f"{counted(played)} at every dot", played)
        text += "\na method that has no line in a suite was not run there"
        picture.suptitle(f"{figure.run.title}\n{text}", fontsize=9)
        save(picture, stem)


def _levels(axis: "Axes", rows: pd.DataFrame, baseline: str) -> list[End]:
    """What lies there without any tuning: the untuned prompt, and the data's experts."""
    ends = []
    for name, colour, dashes in ((baseline, BLACK, ":"), (EXPERT_DATA, GREY, "-.")):
        own = rows[rows["column"] == name]
        if own.empty:
            continue
        found = end_of(own, colour)
        kind: dict[str, Any] = {"color": colour, "ls": dashes, "lw": 1.5}
        axis.axhline(found.mean, **kind)
        ends.append(not_tuned(found) if name == baseline else found)
    return ends
