"""Return against oracle queries during tuning (PTDT Figure 5)."""

from pathlib import Path

import pandas as pd

from trajprompt.report.pages.markdown import suite_label
from trajprompt.report.plots.curves import curve_rows, level_rows
from trajprompt.report.plots.figure import Figure, sample_sizes, untuned_line
from trajprompt.report.plots.kinds.tuning_curves import banded_line
from trajprompt.report.plots.style import CYCLE, legend_below, panels, save


def table(figure: Figure) -> pd.DataFrame:
    """Mean returns, a row per suite, entry and iteration; the baseline has one level."""
    rows = []
    for suite in figure.covered(figure.compared):
        tuned = [entry for entry in figure.compared if entry.covers(suite)]
        if figure.baseline.covers(suite):
            rows += level_rows(figure.run, figure.baseline, suite, tuned)
        for entry in tuned:
            rows += curve_rows(figure.run, entry, suite)
    return pd.DataFrame(rows)


def draw(rows: pd.DataFrame, figure: Figure, stem: Path) -> None:
    """Draw a panel per suite with a line and a band per method."""
    suites = figure.covered(figure.compared)
    with panels(len(suites)) as (picture, axes):
        for suite, axis in zip(suites, axes, strict=True):
            here = rows[rows["suite"] == suite]
            untuned_line(axis, here, figure.baseline.id)
            for entry, colour in zip(figure.compared, CYCLE, strict=False):
                curve = here[here["column"] == entry.id].sort_values("queries")
                banded_line(axis, curve, "queries", colour, "-", entry.label)
            axis.set_title(suite_label(suite))
            axis.set_xlabel("oracle queries per prompt")
            axis.set_ylabel("return per episode")
        picture.suptitle(sample_sizes(rows), fontsize=9)
        legend_below(picture, axes)
        save(picture, stem)
