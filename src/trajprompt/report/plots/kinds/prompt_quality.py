"""Return by method and quality of the initial prompt (PD Figure 2b)."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from trajprompt.report.pages.formats import number, suite_label
from trajprompt.report.plots.figure import (
    QUALITIES,
    Figure,
    equal_resets,
    last_row,
    sample_sizes,
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

GROUP_WIDTH = 0.8  # of a group of marks; groups are 1 apart


def table(figure: Figure) -> pd.DataFrame:
    """Mean returns, a row per suite, method and quality of the initial prompt."""
    rows = []
    for entry in figure.run.entries:
        quality = figure.condition(entry, "prompt_quality")
        for suite in figure.covered([entry]):
            rows.append(last_row(figure, suite, entry) | {"prompt_quality": quality})
    return pd.DataFrame(rows)


def draw(rows: pd.DataFrame, figure: Figure, stem: Path) -> None:
    """Draw a panel per suite: a group of marks per quality, a mark per method."""
    suites = figure.covered(figure.run.entries)
    methods = list(dict.fromkeys(rows["method"]))
    with panels(len(suites)) as (picture, axes):
        for suite, axis in zip(suites, axes, strict=True):
            here = rows[rows["suite"] == suite]
            shown = [q for q in QUALITIES if q in set(here["prompt_quality"])]
            for index, method in enumerate(methods):
                of_method = here[here["method"] == method].set_index("prompt_quality")
                style = {"marker": MARKERS[index], "label": figure.method_label(method)}
                offset = GROUP_WIDTH * ((index + 0.5) / len(methods) - 0.5)
                _marks(axis, of_method, shown, offset, CYCLE[index], style)
            axis.set_xticks(range(len(shown)), [f"{q} prompt" for q in shown])
            axis.set_xlim(-0.5, len(shown) - 0.5)
            axis.grid(axis="x", visible=False)
            axis.set_title(suite_label(suite))
            axis.set_xlabel("quality of the initial prompt")
            axis.set_ylabel("return per episode")
        notes = [sample_sizes(rows), marks_note(rows), equal_resets(suites)]
        headline(picture, figure.run.title, *notes)
        legend_below(picture, axes)
        save(picture, stem)


def _marks(
    axis: "Axes",
    rows: pd.DataFrame,
    qualities: list[str],
    offset: float,
    colour: str,
    style: dict[str, Any],
) -> None:
    """Draw one method's means with their values; missing qualities have no mark."""
    for quality, row in rows.iterrows():
        if quality not in qualities:
            continue
        place = qualities.index(str(quality)) + offset
        mean_mark(axis, row, place, colour, upright=True, **style)
        text: dict[str, Any] = {"xytext": (7, 0), "textcoords": "offset points"}
        text |= {"va": "center", "fontsize": 8, "color": colour}
        axis.annotate(number(row["mean"], 0), (place, row["mean"]), **text)
