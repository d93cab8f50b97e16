"""Return against the number of fine-tuning samples (PTDT Figure 2)."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from trajprompt.report.pages.markdown import span, suite_label
from trajprompt.report.plots.figure import (
    Figure,
    error_bars,
    last_row,
    sample_sizes,
    untuned_line,
)
from trajprompt.report.plots.style import CYCLE, interval_label, legend_below, panels, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ALL = "all"  # samples of a condition whose methods use all the data
SHIFT = 0.12  # between the markers of two methods, in doublings


def table(figure: Figure) -> pd.DataFrame:
    """Mean returns, a row per method, suite and number of samples; 0 if untuned."""
    rows = []
    for entry in figure.run.entries:
        untuned = entry.id == figure.settings.baseline
        samples = 0 if untuned else figure.condition(entry, "samples")
        for suite in figure.covered([entry]):
            rows.append(last_row(figure, suite, entry) | {"samples": samples})
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
            untuned_line(axis, here, figure.settings.baseline)
            for index, method in enumerate(methods):
                line = here[(here["method"] == method) & (here["samples"] != 0)]
                shift = SHIFT * (index - (len(methods) - 1) / 2)
                label = interval_label(figure.method_label(method), line["low"])
                _line(axis, line, places, shift, CYCLE[index % len(CYCLE)], label)
            axis.set_xticks(list(places.values()), [str(n) for n in places])
            axis.set_title(suite_label(suite))
            axis.set_xlabel(_samples_label(figure.settings.context_lengths[suite]))
            axis.set_ylabel("return per episode")
        picture.suptitle(sample_sizes(rows), fontsize=9)
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
    colour: str,
    label: str,
) -> None:
    if rows.empty:
        return
    at = rows["samples"].map(places) + shift
    rows = rows.assign(at=at).sort_values("at")
    style: dict[str, Any] = {"fmt": "o-", "color": colour, "capsize": 3, "label": label}
    axis.errorbar(rows["at"], rows["mean"], error_bars(rows), **style)
