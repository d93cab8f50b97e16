"""Return by method and quality of the initial prompt, as bars (PD Figure 2b)."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from trajprompt.report.pages.markdown import number, suite_label
from trajprompt.report.plots.figure import (
    QUALITIES,
    Figure,
    error_bars,
    last_row,
    sample_sizes,
)
from trajprompt.report.plots.style import CYCLE, interval_label, legend_below, panels, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GROUP_WIDTH = 0.8  # of a group of bars; groups are 1 apart


def table(figure: Figure) -> pd.DataFrame:
    """Mean returns, a row per suite, method and quality of the initial prompt."""
    rows = []
    for entry in figure.run.entries:
        quality = figure.condition(entry, "prompt_quality")
        for suite in figure.covered([entry]):
            rows.append(last_row(figure, suite, entry) | {"prompt_quality": quality})
    return pd.DataFrame(rows)


def draw(rows: pd.DataFrame, figure: Figure, stem: Path) -> None:
    """Draw a panel per suite: a group of bars per quality, a bar per method."""
    suites = figure.covered(figure.run.entries)
    methods = list(dict.fromkeys(rows["method"]))
    with panels(len(suites)) as (picture, axes):
        for suite, axis in zip(suites, axes, strict=True):
            here = rows[rows["suite"] == suite]
            shown = [q for q in QUALITIES if q in set(here["prompt_quality"])]
            for index, method in enumerate(methods):
                bars = here[here["method"] == method].set_index("prompt_quality")
                style: dict[str, Any] = {"label": figure.method_label(method)}
                style |= {"color": CYCLE[index % len(CYCLE)]}
                style |= {"width": 0.92 * GROUP_WIDTH / len(methods), "capsize": 3}
                _bars(axis, bars, shown, _offset(index, len(methods)), style)
            axis.axhline(0, color="black", lw=0.8)
            axis.set_xticks(range(len(shown)), [f"{q} prompt" for q in shown])
            axis.set_xlim(-0.5, len(shown) - 0.5)
            axis.margins(y=0.12)  # room for the values
            axis.grid(axis="x", visible=False)
            axis.set_title(suite_label(suite))
            axis.set_ylabel("return per episode (higher is better)")
        named = "; error bars: 95 % intervals"
        heading = interval_label(sample_sizes(rows), rows["low"], named)
        picture.suptitle(heading, fontsize=9)
        legend_below(picture, axes)
        save(picture, stem)


def _offset(index: int, count: int) -> float:
    """Offset of a bar from the centre of its group."""
    return GROUP_WIDTH * ((index + 0.5) / count - 0.5)


def _bars(
    axis: "Axes",
    rows: pd.DataFrame,
    qualities: list[str],
    offset: float,
    style: dict[str, Any],
) -> None:
    """Draw one method's bars, each with its value; missing qualities have no bar."""
    bars = rows.loc[[q for q in qualities if q in rows.index]]
    if bars.empty:
        return
    at = np.array([qualities.index(quality) for quality in bars.index]) + offset
    axis.bar(at, bars["mean"], yerr=error_bars(bars), **style)
    ends = zip(at, bars["mean"], bars["low"].fillna(bars["mean"]), strict=True)
    for place, mean, low in ends:
        edge = min(mean, low) if mean < 0 else 0.0
        text: dict[str, Any] = {"ha": "center", "va": "top", "fontsize": 8}
        text |= {"xytext": (0, -3), "textcoords": "offset points"}
        axis.annotate(number(mean), (place, edge), **text)
