"""Tables of returns as figures."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from trajprompt.report.numbers.cell_table import EXPERT_DATA, FIRST_EPISODES, TEACHER_LABELS
from trajprompt.report.pages.markdown import suite_label
from trajprompt.report.plots.style import (
    BLUE,
    GREEN,
    GREY,
    VERMILION,
    interval_label,
    legend_below,
    list_height,
    panels,
    save,
)
from trajprompt.report.read.run import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_table(table: pd.DataFrame, run: Run, stem: str | Path) -> None:
    """Draw a panel per suite: our and published returns, and levels of the data."""
    methods = table["column"].isin([entry.id for entry in run.entries])
    ours = interval_label("this run", table.loc[methods, "low"])
    height = list_height(len(run.entries))
    with panels(len(run.suites), share_y=True, height=height) as (figure, axes):
        for suite, axis in zip(run.suites, axes, strict=True):
            rows = table[table["suite"] == suite].set_index("column")
            _table_panel(axis, rows, run, ours)
            axis.set_title(suite_label(suite))
            axis.set_xlabel("return per episode (higher is better)")
        axes[0].set_ylim(len(run.entries) - 0.4, -0.6)
        legend_below(figure, axes)
        save(figure, stem)


def _table_panel(axis: "Axes", rows: pd.DataFrame, run: Run, ours: str) -> None:
    colours = {FIRST_EPISODES: GREY, EXPERT_DATA: GREEN}
    for level, label in TEACHER_LABELS.items():
        dashes = ":" if level == FIRST_EPISODES else "--"
        axis.axvline(rows.loc[level, "mean"], color=colours[level], ls=dashes, label=label)
    methods = [entry.id for entry in run.entries]
    for place, name in enumerate(methods):
        if name in rows.index:
            _ours(axis, rows.loc[name], place - 0.15, ours)
            _papers(axis, rows.loc[name], place + 0.15)
    axis.set_yticks(range(len(methods)), [entry.label for entry in run.entries])


def _ours(axis: "Axes", row: pd.Series, place: float, label: str) -> None:
    known = not np.isnan(row["low"])
    if known:
        axis.plot([row["low"], row["high"]], [place, place], color=BLUE, lw=2)
    style = "o-" if known else "o"  # the legend shows the line of the interval
    axis.plot(row["mean"], place, style, color=BLUE, lw=2, label=label)


def _papers(axis: "Axes", row: pd.Series, place: float) -> None:
    if pd.isna(row["published"]):
        return
    axis.errorbar(
        row["published"],
        place,
        xerr=row["published_spread"],
        fmt="D",
        color=VERMILION,
        markerfacecolor="white",
        label="paper, ± spread over seeds",
    )
