"""Gain over the untuned prompt against oracle queries during tuning (PTDT Figure 5).

Queries are those of candidates, as in the paper: 0 before tuning. Queries that judge an
iterate itself, which the paper's algorithm has not, are left out of the axis, for the
offline and the online oracle.
"""

from pathlib import Path

import pandas as pd

from trajprompt.report.plots.curves import curve_rows, level_row
from trajprompt.report.plots.estimates import as_drawn
from trajprompt.report.plots.figure import (
    Figure,
    equal_resets,
    sample_sizes,
    zero_line,
    zero_title,
)
from trajprompt.report.plots.kinds.tuning_curves import banded_line
from trajprompt.report.plots.marks import marks_note
from trajprompt.report.plots.style import (
    CYCLE,
    MARKERS,
    headline,
    legend_below,
    panels,
    save,
)


def table(figure: Figure) -> pd.DataFrame:
    """Returns and gains, a row per suite, entry and iteration; the baseline has one."""
    rows = []
    for suite in figure.covered(figure.compared):
        if figure.baseline.covers(suite):
            rows.append(level_row(figure.run, figure.baseline, suite))
        for entry in figure.compared:
            if entry.covers(suite):
                rows += _of_candidates(
                    curve_rows(figure.run, entry, suite, figure.baseline)
                )
    return pd.DataFrame(rows)


def _of_candidates(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """``rows`` with the queries of candidates alone.

    Iteration 0 has only those that judge an iterate, and every iteration has as many.
    """
    found = pd.DataFrame(rows)
    judging = found.loc[found["iteration"] == 0, "queries"].min()
    found["queries"] -= judging * (found["iteration"] + 1)
    return found.to_dict("records")


def draw(rows: pd.DataFrame, figure: Figure, stem: Path) -> None:
    """Draw a panel per suite with a line and a band per method."""
    suites = list(dict.fromkeys(rows["suite"]))
    with panels(len(suites)) as (picture, axes):
        for suite, axis in zip(suites, axes, strict=True):
            here = rows[rows["suite"] == suite]
            for entry, colour, marker in zip(figure.compared, CYCLE, MARKERS, strict=False):
                curve = as_drawn(here[here["column"] == entry.id], "gain")
                style = {"color": colour, "marker": marker, "label": entry.label}
                banded_line(axis, curve.sort_values("queries"), "queries", style)
            zero_line(axis)
            axis.set_title(zero_title(here, suite, figure.settings.baseline), fontsize=9)
            axis.set_xlabel("oracle queries per prompt (candidates judged)")
            axis.set_ylabel("return − untuned prompt's")
        notes = [sample_sizes(rows), "differences paired by task and seed"]
        notes += [marks_note(rows, "bands"), equal_resets(suites)]
        headline(picture, figure.run.title, *notes)
        legend_below(picture, axes)
        save(picture, stem)
