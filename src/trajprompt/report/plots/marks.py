"""Marks that all figures share: means with intervals, dots of seeds, notes on both."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from trajprompt.report.plots.estimates import BY_SEED, seed_values

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Above the bars and below the means; white inside, so that they are seen on a bar.
SEED_DOTS: dict[str, Any] = {"ms": 3.2, "mfc": "white", "mew": 0.7, "zorder": 3.5}
CLIP_RATIO = 3.0  # a value this many times further out than the next is off the axis
LEAST = 3  # number of values that an axis shows
MARGIN = 0.07  # of an axis beyond the outermost mark


def mean_mark(
    axis: "Axes",
    row: pd.Series,
    place: float,
    colour: str,
    upright: bool = False,
    **more: Any,
) -> None:
    """Draw a mean, its interval and the dots of its seeds at ``place``.

    ``upright``: returns are on the y axis. ``more`` are options of the mean's mark.
    """
    style: dict[str, Any] = {"marker": "o", "ms": 6, "color": colour, "ls": "", "zorder": 4}
    dots: dict[str, Any] = {"marker": "o", "ls": "", "color": colour, **SEED_DOTS}
    _plot(axis, seed_values(row.get(BY_SEED, "")), place, upright, dots)
    if not pd.isna(row["low"]):
        bar: dict[str, Any] = {"color": colour, "lw": 2, "zorder": 3}
        _plot(axis, np.array([row["low"], row["high"]]), place, upright, bar)
    _plot(axis, np.array([row["mean"]]), place, upright, style | more)


def _plot(
    axis: "Axes", values: np.ndarray, place: float, upright: bool, style: dict[str, Any]
) -> None:
    """Draw ``values`` of the axis of returns at one place of the other axis."""
    at = np.full(len(values), place)
    axis.plot(*((at, values) if upright else (values, at)), **style)


def plural(count: str | int, noun: str) -> str:
    """``1 seed``, ``5 seeds``, ``2 to 5 tasks``."""
    return f"{count} {noun}" if str(count) == "1" else f"{count} {noun}s"


def marks_note(rows: pd.DataFrame, kind: str = "bars") -> str:
    """Meaning of the bars (or ``bands``) and dots of ``rows``; none for a single seed."""
    if rows["low"].isna().all():
        return "one seed: no intervals"
    seeds = int(rows["seeds"].max())
    return f"{kind}: 95 % t intervals over the {seeds} seeds; small dots: single seeds"


def reach(row: pd.Series) -> float:
    """Largest distance from 0 of a row's mean, interval, seeds and ``paper`` column."""
    parts = [row["mean"], row["low"], row["high"], row.get("paper")]
    values = [*seed_values(row.get(BY_SEED, "")), *parts]
    return float(np.nanmax(np.abs(np.array(values, dtype=float))))


def limit(reaches: Sequence[float]) -> float:
    """Largest of ``reaches`` that an axis shows; those beyond are outliers.

    Outliers are more than `CLIP_RATIO` times as far out as all others, which are at least
    half of the values, and three.
    """
    ordered = sorted(value for value in reaches if value > 0)
    for place in range(max(LEAST, len(ordered) // 2), len(ordered)):
        if ordered[place] > CLIP_RATIO * ordered[place - 1]:
            return ordered[place - 1]
    return ordered[-1] if ordered else 1.0


def span_of(rows: pd.DataFrame, shown: float) -> tuple[float, float]:
    """Limits of an axis through 0 that hold all marks of ``rows`` up to ``shown``."""
    values = [0.0]
    for _, row in rows.iterrows():
        parts = [row["mean"], row["low"], row["high"], row.get("paper")]
        values += [
            float(v) for v in (*seed_values(row.get(BY_SEED, "")), *parts) if not pd.isna(v)
        ]
    inside = [value for value in values if abs(value) <= 1.001 * shown]
    low, high = min(inside), max(inside)
    margin = MARGIN * ((high - low) or 1.0)
    return low - margin, high + margin


def off_axis(axis: "Axes", value: float, place: float, colour: str, text: str) -> None:
    """Draw an arrow at the edge of the x axis towards ``value``, with its ``text``."""
    low, high = axis.get_xlim()
    left = value < low
    edge, marker = (low, "<") if left else (high, ">")
    more: dict[str, Any] = {"marker": marker, "ms": 7, "color": colour, "clip_on": False}
    axis.plot([edge], [place], ls="", zorder=5, **more)
    style: dict[str, Any] = {
        "xytext": (8 if left else -8, 0),
        "textcoords": "offset points",
    }
    style |= {"va": "center", "ha": "left" if left else "right", "fontsize": 8}
    axis.annotate(text, (edge, place), color=colour, **style)
