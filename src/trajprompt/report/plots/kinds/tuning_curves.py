"""Return while tuning, by quality of initial prompt and of data (PTDT Figures 3, 4)."""

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from trajprompt.report.pages.markdown import suite_label
from trajprompt.report.plots.curves import curve_rows
from trajprompt.report.plots.figure import QUALITIES, Figure, counted
from trajprompt.report.plots.style import (
    BLUE,
    ORANGE,
    VERMILLION,
    legend_below,
    panels,
    save,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = dict(zip(QUALITIES, (BLUE, ORANGE, VERMILLION), strict=True))  # of the prompt
DASHES = dict(zip(QUALITIES, ("-", "--", ":"), strict=True))


def table(figure: Figure) -> pd.DataFrame:
    """A row per suite, quality of the prompt, quality of the data, and iteration."""
    rows = []
    for entry in figure.run.entries:
        names = ("prompt_quality", "data_quality")
        qualities = {name: figure.condition(entry, name) for name in names}
        for suite in figure.covered([entry]):
            rows += [row | qualities for row in curve_rows(figure.run, entry, suite)]
    return pd.DataFrame(rows)


def draw(rows: pd.DataFrame, figure: Figure, stem: Path) -> None:
    """A panel per suite and quality of the data, a line per quality of the prompt."""
    wanted = [
        (suite, quality)
        for suite in figure.covered(figure.run.entries)
        for quality in QUALITIES
        if ((rows["suite"] == suite) & (rows["data_quality"] == quality)).any()
    ]
    with panels(len(wanted), share_y=len({suite for suite, _ in wanted}) == 1) as made:
        picture, axes = made
        for (suite, quality), axis in zip(wanted, axes, strict=True):
            here = rows[(rows["suite"] == suite) & (rows["data_quality"] == quality)]
            for prompt in QUALITIES:
                own = here[here["prompt_quality"] == prompt].sort_values("iteration")
                style, label = DASHES[prompt], f"{prompt} prompt at the start"
                banded_line(axis, own, "iteration", COLOURS[prompt], style, label)
            axis.set_title(f"{suite_label(suite)}, {quality} data")
            axis.set_xlabel("iteration of tuning")
            axis.set_ylabel("return per episode")
            axis.locator_params("x", integer=True)
        picture.suptitle(counted(rows), fontsize=9)
        legend_below(picture, axes)
        save(picture, stem)


def banded_line(
    axis: "Axes", rows: pd.DataFrame, against: str, colour: str, style: str, label: str
) -> None:
    """Means against a column, in a band from ``low`` to ``high`` where there is one."""
    if rows.empty:
        return
    if rows["low"].notna().any():  # not with a single seed
        label += ", 95 % band"
    at = rows[against].to_numpy(dtype=float)
    axis.plot(at, rows["mean"], style, marker="o", color=colour, ms=4, lw=1.8, label=label)
    low, high = rows["low"].to_numpy(dtype=float), rows["high"].to_numpy(dtype=float)
    axis.fill_between(at, low, high, color=colour, alpha=0.15, lw=0)
