"""Lines labelled at their ends, with intervals beside them, instead of a legend."""

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from trajprompt.report.plots.style import CYCLE, MARKERS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from trajprompt.report.plots.figure import Figure

DASHES = ("-", "--", ":", "-.")  # the next one when all colours are used
GAP = 0.055  # between the centres of two labels, in heights of the axes
EDGE, STRIP, REACH = 1.012, 0.012, 0.03  # of intervals and leaders, in widths of the axes


class End(NamedTuple):
    """Right end of a line: label, colour, mean and interval."""

    label: str
    colour: str
    mean: float
    low: float = float("nan")  # NaN: no interval
    high: float = float("nan")


def style(number: int) -> tuple[str, str]:
    """Colour and dashes of line ``number``, unique for the first 40 lines."""
    rounds, place = divmod(number, len(CYCLE))
    return CYCLE[place], DASHES[rounds % len(DASHES)]


def end_of(rows: pd.DataFrame, colour: str) -> End:
    """End of a line: the last of its ``rows``."""
    last = rows.iloc[-1]
    return End(last["label"], colour, last["mean"], last["low"], last["high"])


def line(axis: "Axes", rows: pd.DataFrame, number: int, steps: bool) -> End:
    """Draw a method's means by episodes used and return the end; line 0 is the boldest.

    ``steps``: a mark at every number of episodes at which the method was evaluated, and
    no slope between marks, because a search holds its choice until it finds a better one.
    """
    colour, dashes = style(number)
    ordered = rows.sort_values(["queries", "iteration"] if steps else "queries")
    ordered = ordered.drop_duplicates("queries", keep="last")
    more: dict[str, Any] = {"lw": 2.6 if number == 0 else 1.5}
    more |= {"zorder": 3 - number / 100}  # the first on top
    more |= {"color": colour, "ls": dashes}
    if steps:
        more |= {"marker": MARKERS[number % len(MARKERS)], "ms": 4.5}
        more |= {"drawstyle": "steps-post"}
    axis.plot(ordered["queries"], ordered["mean"], **more)
    return end_of(ordered, colour)


def untuned_end(end: End) -> End:
    """End of the baseline's line, labelled as not tuned."""
    return end._replace(label=f"not tuned: {end.label}")


def method_lines(
    axis: "Axes",
    rows: pd.DataFrame,
    figure: "Figure",
    levels: Sequence[End],
    steps: bool = False,
) -> None:
    """Draw a suite's ``rows``: a line per method against the episodes used, with labels.

    ``levels`` are the ends of lines that are already drawn; for ``steps`` see `line`. Call
    it last, like `label_ends`.
    """
    ends = [*levels]
    for number, entry in enumerate(figure.compared):  # the same in every panel
        method = rows[rows["column"] == entry.id]
        if not method.empty:
            ends.append(line(axis, method, number, steps))
    axis.set_xlim(0, EDGE * rows["queries"].max())
    axis.set_xlabel("simulator episodes used, per prompt")
    label_ends(axis, ends)


def bars_note(rows: pd.DataFrame) -> str:
    """Note on the bars that `label_ends` draws beside the panels of ``rows``."""
    if rows["low"].isna().all():
        return "one seed: no intervals"
    seeds = int(rows["seeds"].max())
    return f"bars beside the last points: 95 % t intervals over the {seeds} seeds"


def left_out(figure: "Figure", suite: str) -> str:
    """Line of a panel's title on the methods that were not run; empty if there are none."""
    names = [entry.label for entry in figure.compared if not entry.covers(suite)]
    return "\n".join(textwrap.wrap(f"not run: {', '.join(names)}", 100)) if names else ""


def label_ends(axis: "Axes", ends: Sequence[End]) -> None:
    """Draw intervals and labels beside the axes, from the highest line to the lowest.

    Call it last: anything drawn later moves the ends away from their labels.
    """
    _intervals(axis, ends)
    low, high = axis.get_ylim()
    axis.set_ylim(low, high)
    heights = np.array([(end.mean - low) / (high - low) for end in ends])
    right = EDGE + STRIP * len(ends)
    for end, height, place in zip(ends, heights, spread_out(heights, GAP), strict=True):
        leader = {"arrowstyle": "-", "color": end.colour, "lw": 0.7}
        more: dict[str, Any] = {"va": "center", "fontsize": 8, "annotation_clip": False}
        more |= {"xycoords": "axes fraction", "textcoords": "axes fraction"}
        more |= {"arrowprops": leader | {"shrinkA": 0, "shrinkB": 0, "relpos": (0, 0.5)}}
        text = (right + REACH, place)
        axis.annotate(end.label, (1.0, height), text, color=end.colour, **more)


def _intervals(axis: "Axes", ends: Sequence[End]) -> None:
    """Draw intervals side by side, the highest line's first; the y axis includes them."""
    known = [end for end in ends if not np.isnan(end.low)]
    beside: dict[str, Any] = {"transform": axis.get_yaxis_transform(), "clip_on": False}
    for number, end in enumerate(sorted(known, key=lambda end: -end.mean)):
        at = EDGE + STRIP * number
        axis.plot([at, at], [end.low, end.high], color=end.colour, lw=2, **beside)
        axis.plot([at], [end.mean], "o", color=end.colour, ms=3, **beside)


def spread_out(places: np.ndarray, gap: float) -> np.ndarray:
    """Move places to at least ``gap`` apart, by least squares and without reordering.

    The result is within 0 and 1 if there is room.
    """
    order = np.argsort(places, kind="stable")
    steps = gap * np.arange(len(places))
    means: list[float] = []  # pool adjacent violators
    counts: list[int] = []
    for value in places[order] - steps:
        means.append(value)
        counts.append(1)
        while len(means) > 1 and means[-2] >= means[-1]:
            value, count = means.pop(), counts.pop()
            total = counts[-1] + count
            means[-1] = (means[-1] * counts[-1] + value * count) / total
            counts[-1] = total
    room = max(0.0, 1.0 - gap * (len(places) - 1))
    moved = np.clip(np.repeat(means, counts), 0.0, room) + steps
    found = np.empty_like(moved)
    found[order] = moved
    return found
