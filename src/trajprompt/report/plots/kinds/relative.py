"""Returns relative to one entry, paired by task and seed (PD Figure 3)."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from trajprompt.report.numbers.statistics import paired_difference
from trajprompt.report.pages.markdown import number, suite_label
from trajprompt.report.plots.figure import Figure, error_bars, sample_sizes
from trajprompt.report.plots.style import BLACK, CYCLE, interval_label, panels, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEAD_INCHES, ROW_INCHES = 1.0, 0.45


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
            found = paired_difference([scores.values], [level.values])
            row: dict[str, object] = {"suite": suite, "column": entry.id}
            row |= {"label": entry.label, "mean": found.mean}
            row |= {"low": found.low, "high": found.high, "seeds": found.seeds}
            row |= {"tasks": found.tasks, "episodes": scores.episodes}
            row |= {"baseline": figure.baseline.id, "level": level.values.mean()}
            rows.append(row)
    return pd.DataFrame(rows)


def draw(rows: pd.DataFrame, figure: Figure, stem: Path) -> None:
    """Draw a panel per suite with a bar per entry; the baseline is the line at 0."""
    suites = list(dict.fromkeys(rows["suite"]))
    names = list(dict.fromkeys(zip(rows["column"], rows["label"], strict=True)))
    height = HEAD_INCHES + ROW_INCHES * len(names)
    with panels(len(suites), share_y=True, height=height) as (picture, axes):
        for suite, axis in zip(suites, axes, strict=True):
            here = rows[rows["suite"] == suite].set_index("column")
            _bars(axis, here, [name for name, _ in names])
            level = number(here["level"].iloc[0])
            axis.set_title(f"{suite_label(suite)} (0 = {level})")
            axis.set_xlabel("difference in return per episode (higher is better)")
            axis.set_yticks(range(len(names)), [label for _, label in names])
        axes[0].set_ylim(len(names) - 0.5, -0.5)
        text = f"difference from {figure.baseline.label}, paired by task and seed"
        text = interval_label(text, rows["low"], ", 95 % intervals")
        picture.suptitle(f"{text}\n{sample_sizes(rows)}", fontsize=9)
        save(picture, stem)


def _bars(axis: "Axes", rows: pd.DataFrame, names: list[str]) -> None:
    for place, name in enumerate(names):
        if name in rows.index:
            row = rows.loc[[name]]
            style: dict[str, Any] = {"xerr": error_bars(row), "capsize": 4}
            axis.barh([place], row["mean"], 0.6, color=CYCLE[place % len(CYCLE)], **style)
    axis.axvline(0, color=BLACK, lw=1)
    axis.grid(axis="y", visible=False)
