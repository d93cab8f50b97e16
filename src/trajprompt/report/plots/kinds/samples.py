"""Gain over the untuned prompt against the number of samples (PTDT Figure 2)."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from trajprompt.report.pages.formats import span
from trajprompt.report.plots.estimates import as_drawn
from trajprompt.report.plots.figure import (
    Figure,
    equal_resets,
    gain,
    last_row,
    sample_sizes,
    zero_line,
    zero_title,
)
from trajprompt.report.plots.marks import marks_note, mean_mark
from trajprompt.report.plots.style import (
    CYCLE,
    MARKERS,
    headline,
    legend_below,
    panels,
    save,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ALL = "all"  # samples of a condition whose methods use all the data
SHIFT = 0.12  # between the markers of two methods, in doublings


def table(figure: Figure) -> pd.DataFrame:
    """Returns and gains, a row per method, suite and number of samples; 0 if untuned."""
    rows = []
    for entry in figure.run.entries:
        untuned = entry.id == figure.settings.baseline
        samples = 0 if untuned else figure.condition(entry, "samples")
        for suite in figure.covered([entry]):
            row = last_row(figure, suite, entry) | {"samples": samples}
            rows.append(row | gain(figure, suite, entry))
    return pd.DataFrame(rows)


def draw(rows: pd.DataFrame, figure: Figure, stem: Path) -> None:
    """Draw a panel per suite with a line per method; ``all`` is at the right."""
    tuned = rows[rows["column"] != figure.settings.baseline]
    places = _places(tuned["samples"].tolist())
    suites = figure.covered(figure.compared)
    methods = list(dict.fromkeys(tuned["method"]))
    with panels(len(suites)) as (picture, axes):
        for suite, axis in zip(suites, axes, strict=True):
            here = rows[rows["suite"] == suite]
            for index, method in enumerate(methods):
                line = here[(here["method"] == method) & (here["samples"] != 0)]
                shift = SHIFT * (index - (len(methods) - 1) / 2)
                style = {"color": CYCLE[index], "marker": MARKERS[index]}
                style["label"] = figure.method_label(method)
                _line(axis, as_drawn(line, "gain"), places, shift, style)
            zero_line(axis)
            axis.set_xticks(list(places.values()), [str(n) for n in places])
            axis.set_title(zero_title(here, suite, figure.settings.baseline), fontsize=9)
            axis.set_xlabel(_samples_label(figure.settings.context_lengths[suite]))
            axis.set_ylabel("return − untuned prompt's")
        notes = [sample_sizes(rows), "differences paired by task and seed"]
        notes += [marks_note(rows), equal_resets(suites)]
        headline(picture, figure.run.title, *notes)
        legend_below(picture, axes)
        save(picture, stem)


def _samples_label(steps: list[int]) -> str:
    """Axis label with the length of a sample: the context lengths of the backbones."""
    return f"samples per test task (segments of {span(pd.Series(steps))} steps)"


def _places(samples: list[object]) -> dict[object, float]:
    """Number of samples -> position on the log2 axis, with ``all`` beyond the largest."""
    known = sorted({n for n in samples if isinstance(n, int)})
    places: dict[object, float] = {n: math.log2(n) for n in known}
    if ALL in samples:
        places[ALL] = max(places.values(), default=0.0) + 1.5
    return places


def _line(
    axis: "Axes",
    rows: pd.DataFrame,
    places: dict[object, float],
    shift: float,
    style: dict[str, Any],
) -> None:
    """Draw a method's points; the line ends before ``all``, which differs in kind."""
    if rows.empty:
        return
    rows = rows.assign(at=rows["samples"].map(places) + shift).sort_values("at")
    few = rows[rows["samples"] != ALL]
    axis.plot(few["at"], few["mean"], color=style["color"], lw=1.4, zorder=1)
    for index, (_, row) in enumerate(rows.iterrows()):
        named = style if index == 0 else style | {"label": None}
        mean_mark(
            axis,
            row,
            row["at"],
            upright=True,
            colour=style["color"],
            marker=named["marker"],
            label=named["label"],
        )
