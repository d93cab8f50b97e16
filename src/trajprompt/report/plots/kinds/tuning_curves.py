"""Return during tuning, by quality of prompt and data (PTDT Figures 3 and 4)."""

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from trajprompt.report.pages.markdown import suite_label
from trajprompt.report.plots.curves import curve_rows
from trajprompt.report.plots.figure import QUALITIES, Figure, sample_sizes
from trajprompt.report.plots.style import (
    BLUE,
    ORANGE,
    VERMILION,
    legend_below,
    panels,
    save,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = dict(zip(QUALITIES, (BLUE, ORANGE, VERMILION), strict=True))  # by prompt quality
DASHES = dict(zip(QUALITIES, ("-", "--", ":"), strict=True))


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
            for prompt in QUALITIES:
                curve = here[here["prompt_quality"] == prompt].sort_values("iteration")
                style, label = DASHES[prompt], f"{prompt} initial prompt"
                banded_line(axis, curve, "iteration", COLOURS[prompt], style, label)
            axis.set_title(f"{suite_label(suite)}, {quality} data")
            axis.set_xlabel("tuning iteration")
            axis.set_ylabel("return per episode")
            axis.locator_params("x", integer=True)
        picture.suptitle(sample_sizes(rows), fontsize=9)
        legend_below(picture, axes)
        save(picture, stem)


def banded_line(
    axis: "Axes", rows: pd.DataFrame, against: str, colour: str, style: str, label: str
) -> None:
    """Draw means against a column and, if there is one, the band ``low`` to ``high``."""
    if rows.empty:
        return
    if rows["low"].notna().any():  # a single seed has no interval
        label += ", 95 % band"
    at = rows[against].to_numpy(dtype=float)
    axis.plot(at, rows["mean"], style, marker="o", color=colour, ms=4, lw=1.8, label=label)
    low, high = rows["low"].to_numpy(dtype=float), rows["high"].to_numpy(dtype=float)
    axis.fill_between(at, low, high, color=colour, alpha=0.15, lw=0)
