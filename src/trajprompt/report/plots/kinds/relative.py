"""Returns relative to one entry, paired by task and seed (PD Figure 3)."""

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from trajprompt.report.pages.formats import number, suite_label
from trajprompt.report.plots.estimates import difference
from trajprompt.report.plots.figure import Figure, equal_resets, sample_sizes
from trajprompt.report.plots.marks import marks_note, mean_mark
from trajprompt.report.plots.style import BLACK, CYCLE, headline, panels, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEAD_INCHES, ROW_INCHES = 1.3, 0.45


def table(figure: Figure) -> pd.DataFrame:
    """Mean differences from the baseline and intervals: a row per suite and entry."""
    rows = []
    levels = figure.run.scores(figure.baseline)
    for suite in figure.covered([figure.baseline]):
        level = levels[suite]
        for entry in figure.compared:
            if not entry.covers(suite):
                continue
            scores = figure.run.scores(entry)[suite]
            row: dict[str, object] = {"suite": suite, "column": entry.id}
            row |= {"label": entry.label, "episodes": scores.episodes}
            row |= {"baseline": figure.baseline.id, "level": level.values.mean()}
            pair = [scores.values], [level.values]
            rows.append(row | difference(figure.run, *pair, "relative", entry.id, suite))
    return pd.DataFrame(rows)


def draw(rows: pd.DataFrame, figure: Figure, stem: Path) -> None:
    """Draw a panel per suite with a row per entry; the baseline is the line at 0."""
    suites = list(dict.fromkeys(rows["suite"]))
    names = dict(zip(rows["column"], rows["label"], strict=True))
    height = HEAD_INCHES + ROW_INCHES * len(names)
    with panels(len(suites), share_y=True, height=height) as (picture, axes):
        for suite, axis in zip(suites, axes, strict=True):
            here = rows[rows["suite"] == suite].set_index("column")
            _panel(axis, here, list(names))
            level = f"0 is {figure.baseline.label}: {number(here['level'].iloc[0])}"
            axis.set_title(f"{suite_label(suite)}\n{level}", fontsize=9)
            axis.set_xlabel("difference in return per episode (right is better)")
        axes[0].set_yticks(range(len(names)), list(names.values()))
        axes[0].set_ylim(len(names) - 0.5, -0.5)
        notes = [f"difference from {figure.baseline.label}, paired by task and seed"]
        notes += [sample_sizes(rows), marks_note(rows), equal_resets(suites)]
        headline(picture, figure.run.title, *notes)
        save(picture, stem)


def _panel(axis: "Axes", rows: pd.DataFrame, names: list[str]) -> None:
    axis.axvline(0, color=BLACK, lw=1)
    for place, name in enumerate(names):
        if name in rows.index:
            mean_mark(axis, rows.loc[name], place, CYCLE[place % len(CYCLE)])
        else:
            axis.text(0, place, " not run", va="center", fontsize=8)
