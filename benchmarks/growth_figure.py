"""Figure of growth.py: time and peak memory in log-log panels, with slopes as guides."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from trajprompt.report.plots.direct_labels import spread_out
from trajprompt.report.plots.style import CYCLE, GREY, canvas, save

MEASURES = {"cpu_s": "CPU time [s]", "peak_mib": "peak memory [MiB]"}
GAP = 0.075  # between the centres of two labels, in heights of the axes
NOTE = "each point is a fresh process on one thread; dotted: in proportion to x"
SIZES = {1e9: "GB", 1e6: "MB"}


def draw(
    table: Path, stem: Path, panels: Mapping[str, str], labels: Mapping[str, str]
) -> None:
    """Draw the table as a row of two panels per quantity on the x axis."""
    rows = pd.read_csv(table)
    kinds = list(labels)
    panels = {name: x for name, x in panels.items() if name in set(rows["panel"])}
    with canvas(len(panels), 2, 3.1 * len(panels)) as (figure, axes):
        for across, (panel, name) in zip(axes, panels.items(), strict=True):
            here = rows[rows["panel"] == panel]
            for axis, (measure, unit) in zip(across, MEASURES.items(), strict=True):
                axis.set(xscale="log", yscale="log", xlabel=name, ylabel=unit)
                lines = []
                for kind in (kind for kind in kinds if kind in set(here["kind"])):
                    line = here[here["kind"] == kind]
                    colour = CYCLE[len(lines)]
                    axis.plot(line["x"], line[measure], color=colour, marker="o", ms=3.5)
                    lines.append((labels[kind], colour, line[measure].iloc[-1]))
                values = here[measure]
                if (panel, measure) == ("store", "peak_mib"):
                    itself = here["x"].drop_duplicates() / 2**20
                    axis.plot(2**20 * itself, itself, color=GREY, ls="--")
                    lines.append(("size of the store", GREY, itself.iloc[-1]))
                    values = pd.concat([values, itself])
                _limits(axis, here["x"], values)
                _guide(axis)
                _ticks(axis.xaxis, panel == "store")
                _ticks(axis.yaxis)
                _label(axis, lines)
        figure.suptitle(NOTE, fontsize=9)
        save(figure, stem)


def _limits(axis: Axes, x: pd.Series, y: pd.Series) -> None:
    """Set limits that show at least one and a half decades of y."""
    axis.set_xlim(x.min() / 1.3, x.max() * 1.3)
    low, high = y.min() / 1.4, y.max() * 1.6
    missing = max(1.0, 10**1.5 * low / high)
    axis.set_ylim(low / missing**0.5, high * missing**0.5)


def _ticks(axis: Axis, bytes_: bool = False) -> None:
    """Label ticks with plain numbers: every decade, or 1, 2 and 5 of few decades."""
    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=(1.0,) if high > 300 * low else (1, 2, 5)))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())
    axis.set_major_formatter(FuncFormatter(lambda x, _: _size(x) if bytes_ else f"{x:,g}"))


def _size(count: float) -> str:
    unit, name = next((pair for pair in SIZES.items() if count >= 0.99 * pair[0]), (1, "B"))
    return f"{count / unit:.0f} {name}"


def _guide(axis: Axes) -> None:
    """Draw a line of growth in proportion to x through every decade of y."""
    left, right = axis.get_xlim()
    low, high = axis.get_ylim()
    style: dict[str, Any] = {"color": GREY, "lw": 0.6, "ls": (0, (2, 3)), "zorder": 0}
    for decade in range(-12, 13):
        factor = 10.0**decade * low / left
        if factor * right > low and factor * left < high:
            axis.plot([left, right], [factor * left, factor * right], **style)
    axis.set(xlim=(left, right), ylim=(low, high))


def _label(axis: Axes, lines: list[tuple[str, str, float]]) -> None:
    """Name every line beside its last point."""
    low, high = np.log(axis.get_ylim())
    heights = np.array([(np.log(value) - low) / (high - low) for _, _, value in lines])
    places = spread_out(heights, GAP)
    for (label, colour, _), height, place in zip(lines, heights, places, strict=True):
        leader = {"arrowstyle": "-", "color": colour, "lw": 0.7, "relpos": (0, 0.5)}
        more: dict[str, Any] = {"va": "center", "fontsize": 8, "annotation_clip": False}
        more |= {"xycoords": "axes fraction", "textcoords": "axes fraction"}
        axis.annotate(
            label, (1.0, height), (1.05, place), color=colour, arrowprops=leader, **more
        )
