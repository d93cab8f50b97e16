"""Figure of the aggregate over suites."""

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from trajprompt.report.plots.style import (
    BLUE,
    CYCLE,
    GREY,
    legend_below,
    list_height,
    panels,
    save,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LINES = ("-", "--", ":")  # the next one when all colours are used


def draw_aggregate(
    means: pd.DataFrame, profiles: pd.DataFrame, beats: pd.DataFrame, stem: str | Path
) -> None:
    """Draw interquartile means, probabilities of improvement and performance profiles.

    Improvement is over the first method of ``means``.
    """
    with panels(3, height=list_height(len(means))) as (figure, axes):
        _dots(axes[0], means, "interquartile mean of normalised returns")
        first = means.iloc[0]
        against = beats[beats["second"] == first["column"]].set_index("first")
        labels = means.iloc[1:].set_index("column")[["label"]]
        label = f"probability of improvement over {first['label']}"
        _dots(axes[1], labels.join(against), label)
        axes[1].axvline(0.5, color=GREY, ls=":")
        _profiles(axes[2], profiles)
        legend_below(figure, axes)
        save(figure, stem)


def _dots(axis: "Axes", rows: pd.DataFrame, label: str) -> None:
    for place, (_, row) in enumerate(rows.iterrows()):
        if not pd.isna(row["low"]):
            axis.plot([row["low"], row["high"]], [place, place], color=BLUE, lw=2)
        axis.plot(row["value"], place, "o", color=BLUE)
    axis.set_yticks(range(len(rows)), list(rows["label"]))
    axis.set_ylim(len(rows) - 0.4, -0.6)
    axis.set_xlabel(label)


def _profiles(axis: "Axes", table: pd.DataFrame) -> None:
    for place, (_, rows) in enumerate(table.groupby("column", sort=False)):
        label, colour = rows["label"].iloc[0], CYCLE[place % len(CYCLE)]
        style = LINES[place // len(CYCLE) % len(LINES)]
        axis.plot(rows["level"], rows["value"], style, color=colour, label=label)
    axis.set_xlabel("normalised return")
    axis.set_ylabel("share of tasks and seeds above")
