"""Figure of the aggregate over suites."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from trajprompt.report.pages.formats import number, suite_label
from trajprompt.report.plots.marks import limit, off_axis, plural
from trajprompt.report.plots.style import (
    BLACK,
    BLUE,
    CYCLE,
    GREY,
    headline,
    legend_below,
    list_height,
    panels,
    save,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NO_SUITE = "no normalised returns: expert episodes beat random actions on no task"
OTHERS = 4  # profiles shown beside the first method's


def draw_aggregate(
    means: pd.DataFrame,
    profiles: pd.DataFrame,
    beats: pd.DataFrame,
    stem: str | Path,
    title: str = "All methods over all suites",
) -> None:
    """Draw interquartile means, probabilities of improvement and performance profiles.

    Methods are ordered by their mean. Improvement is over the first method of ``means``;
    a single method has none. If all means are NaN, the figure has only a note.
    """
    if means["value"].isna().all():
        with panels(1) as (figure, (axis,)):
            axis.set_axis_off()
            headline(figure, title, NO_SUITE)
            save(figure, stem)
        return
    first, ordered = means.iloc[0], means.sort_values("value", ascending=False)
    with panels(3, height=list_height(len(means))) as (figure, axes):
        label = "interquartile mean of normalised returns"
        shown = _dots(axes[0], ordered, label, float(first["value"]))
        against = beats[beats["second"] == first["column"]].set_index("first")
        others = ordered[ordered["column"] != first["column"]].set_index("column")
        label = f"probability to beat {first['label']}"
        if others.empty:
            axes[1].set_axis_off()
        else:
            _dots(axes[1], others[["label"]].join(against), label, None)
            axes[1].axvline(0.5, color=GREY, ls=":", label="no difference")
            axes[1].set_xlim(-0.03, 1.03)
        near = profiles[profiles["column"].isin(shown["column"])]
        _profiles(axes[2], near, str(first["column"]))
        suites = ", ".join(suite_label(suite) for suite in str(first["suites"]).split())
        notes = [f"{plural(int(first['seeds']), 'seed')}; suites: {suites}"]
        notes += ["0: uniformly random actions, 1: expert episodes of the data"]
        if not means["low"].isna().all():
            notes.append(
                "bars and bands: 95 % bootstrap intervals, seeds resampled by suite, "
                "too narrow for few seeds"
            )
        notes.append(
            "arrows: off the axis, with the mean" if len(shown) < len(means) else ""
        )
        headline(figure, title, *notes)
        legend_below(figure, axes)
        save(figure, stem)


def _dots(
    axis: "Axes", rows: pd.DataFrame, label: str, centre: float | None
) -> pd.DataFrame:
    """Draw values and intervals, a row per method; return the rows that the axis shows.

    Values far from ``centre`` are arrows at its edge; None: all are shown.
    """
    shown = rows
    if centre is not None:
        distance = (rows["value"] - centre).abs()
        shown = rows[distance <= 1.001 * limit(distance.tolist())]
    ends = np.array(shown[["value", "low", "high"]], dtype=float)
    low, high = np.nanmin(ends), np.nanmax(ends)
    margin = 0.07 * ((high - low) or 1.0)
    axis.set_xlim(low - margin, high + margin)
    for place, (name, row) in enumerate(rows.iterrows()):
        if name not in shown.index:
            off_axis(axis, row["value"], place, BLUE, number(row["value"], 2))
            continue
        if not pd.isna(row["low"]):
            axis.plot([row["low"], row["high"]], [place, place], color=BLUE, lw=2)
        axis.plot(row["value"], place, "o", color=BLUE)
    axis.set_yticks(range(len(rows)), list(rows["label"]))
    axis.set_ylim(len(rows) - 0.4, -0.6)
    axis.set_xlabel(label)
    return shown


def _profiles(axis: "Axes", table: pd.DataFrame, first: str) -> None:
    """Draw the profiles of the first method and of those that differ most from it."""
    lines = table.pivot(index="level", columns="column", values="value")
    distance = lines.sub(lines[first], axis=0).abs().sum().drop(first)
    chosen = [first, *distance.sort_values(ascending=False, kind="stable").index[:OTHERS]]
    for name, colour in zip(chosen, (BLACK, *CYCLE), strict=False):
        rows = table[table["column"] == name].sort_values("level")
        label = rows["label"].iloc[0]
        axis.plot(rows["level"], rows["value"], color=colour, label=label)
        axis.fill_between(
            rows["level"], rows["low"], rows["high"], color=colour, alpha=0.13
        )
    between = lines[chosen].gt(0.001).any(axis=1) & lines[chosen].lt(0.999).any(axis=1)
    if between.any():
        step = lines.index[1] - lines.index[0]
        axis.set_xlim(between.idxmax() - step, between[::-1].idxmax() + step)
    if len(lines.columns) > len(chosen):
        named = table.loc[table["column"] == first, "label"].iloc[0]
        axis.set_title(f"{named} and the {OTHERS} that differ most", fontsize=9)
    axis.set_xlabel("normalised return")
    axis.set_ylabel("share of tasks and seeds above")
