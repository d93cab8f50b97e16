"""Return during tuning, by quality of prompt and data (PTDT Figures 3 and 4)."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from trajprompt.report.pages.formats import number, suite_label
from trajprompt.report.plots.curves import curve_rows
from trajprompt.report.plots.estimates import BY_SEED, seed_values
from trajprompt.report.plots.figure import QUALITIES, Figure, equal_resets, sample_sizes
from trajprompt.report.plots.marks import SEED_DOTS, marks_note
from trajprompt.report.plots.style import (
    BLUE,
    GREY,
    ORANGE,
    VERMILION,
    headline,
    legend_below,
    panels,
    save,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = dict(zip(QUALITIES, (BLUE, ORANGE, VERMILION), strict=True))  # by prompt quality
MARKS = dict(zip(QUALITIES, ("o", "s", "^"), strict=True))
EDGE = 1.15  # right end of the axis, in last iterations


def table(figure: Figure) -> pd.DataFrame:
    """Mean returns, a row per suite, prompt quality, data quality and iteration."""
    rows = []
    for entry in figure.run.entries:
        names = ("prompt_quality", "data_quality")
        qualities = {name: figure.condition(entry, name) for name in names}
        for suite in figure.covered([entry]):
            rows += [row | qualities for row in curve_rows(figure.run, entry, suite)]
    return pd.DataFrame(rows)


def draw(rows: pd.DataFrame, figure: Figure, stem: Path) -> None:
    """Draw a panel per suite and data quality with a line per prompt quality."""
    groups = [
        (suite, quality)
        for suite in figure.covered(figure.run.entries)
        for quality in QUALITIES
        if ((rows["suite"] == suite) & (rows["data_quality"] == quality)).any()
    ]
    share_y = len({suite for suite, _ in groups}) == 1
    with panels(len(groups), share_y=share_y) as (picture, axes):
        for (suite, quality), axis in zip(groups, axes, strict=True):
            here = rows[(rows["suite"] == suite) & (rows["data_quality"] == quality)]
            _panel(axis, here)
            _untuned(axis, rows[rows["suite"] == suite])
            axis.set_title(f"{suite_label(suite)}, {quality} data")
        notes = [sample_sizes(rows), "marks are evaluated iterations, lines join them"]
        notes += [marks_note(rows, "bands"), equal_resets(sorted(set(rows["suite"])))]
        headline(picture, figure.run.title, *notes)
        legend_below(picture, axes)
        save(picture, stem)


def _panel(axis: "Axes", rows: pd.DataFrame) -> None:
    """Draw the lines of one quality of the data; early iterations are spread out."""
    for prompt in QUALITIES:
        curve = rows[rows["prompt_quality"] == prompt].sort_values("iteration")
        label = f"{prompt} initial prompt"
        style = {"color": COLOURS[prompt], "marker": MARKS[prompt], "label": label}
        banded_line(axis, curve, "iteration", style)
    iterations = sorted(set(rows["iteration"]))
    axis.set_xscale("symlog", linthresh=1)
    axis.set_xlim(-0.12, EDGE * max(iterations[-1], 1))
    axis.set_xticks(iterations, [str(n) for n in iterations])
    axis.minorticks_off()
    axis.set_xlabel("tuning iteration (logarithmic beyond 1)")
    axis.set_ylabel("return per episode")


def _untuned(axis: "Axes", rows: pd.DataFrame) -> None:
    """Draw the level of the expert prompt before tuning, if the figure shows it."""
    start = rows[(rows["iteration"] == 0) & (rows["prompt_quality"] == QUALITIES[0])]
    if start.empty:
        return
    level = start["mean"].iloc[0]
    label = f"expert prompt, not tuned: {number(level)}"
    axis.axhline(level, color=GREY, ls=":", lw=1.3, label=label, zorder=1)


def banded_line(
    axis: "Axes", rows: pd.DataFrame, against: str, style: dict[str, Any]
) -> None:
    """Draw means against a column, the band from ``low`` to ``high``, and the seeds.

    ``style`` has the colour, the marker and the label.
    """
    if rows.empty:
        return
    at = rows[against].to_numpy(dtype=float)
    axis.plot(at, rows["mean"], ms=4.5, lw=1.4, zorder=3, **style)
    low, high = rows["low"].to_numpy(dtype=float), rows["high"].to_numpy(dtype=float)
    axis.fill_between(at, low, high, color=style["color"], alpha=0.15, lw=0)
    for place, text in zip(at, rows[BY_SEED], strict=True):
        seeds = seed_values(text)
        axis.plot([place] * len(seeds), seeds, "o", color=style["color"], **SEED_DOTS)
