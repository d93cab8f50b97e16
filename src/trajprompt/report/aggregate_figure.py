"""The aggregate as a picture and as Markdown."""

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from trajprompt.report.aggregate import Normalised
from trajprompt.report.markdown import FEW_SEEDS, SUITE_LABELS, grid, number
from trajprompt.report.run import Run
from trajprompt.report.style import (
    BLUE,
    CYCLE,
    GREY,
    PANEL_INCHES,
    legend_below,
    panels,
    save,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW_INCHES = 0.21  # of a method in a panel
LINES = ("-", "--", ":")  # after as many methods as there are colours


def draw_aggregate(
    means: pd.DataFrame, profiles: pd.DataFrame, beats: pd.DataFrame, stem: str | Path
) -> None:
    """Interquartile means; chances to beat the first method; performance profiles."""
    height = max(PANEL_INCHES[1], 1.0 + ROW_INCHES * len(means))
    with panels(3, height=height) as (figure, axes):
        _dots(axes[0], means, "interquartile mean of normalised returns")
        first = means.iloc[0]
        against = beats[beats["second"] == first["column"]].set_index("first")
        labels = means.iloc[1:].set_index("column")[["label"]]
        _dots(axes[1], labels.join(against), f"chance to beat {first['label']}")
        axes[1].axvline(0.5, color=GREY, ls=":")
        _profiles(axes[2], profiles)
        legend_below(figure, axes)
        save(figure, stem)


def _dots(axis: "Axes", rows: pd.DataFrame, label: str) -> None:
    for place, (_, row) in enumerate(rows.iterrows()):
        if not pd.isna(row["low"]):
            axis.plot([row["low"], row["high"]], [place, place], color=BLUE, lw=2)
        axis.plot(row["value"], place, "o", color=BLUE)
    axis.set_yticks(range(len(rows)), list(rows["label"]))
    axis.set_ylim(len(rows) - 0.4, -0.6)
    axis.set_xlabel(label)


def _profiles(axis: "Axes", table: pd.DataFrame) -> None:
    for place, (_, rows) in enumerate(table.groupby("column", sort=False)):
        label, colour = rows["label"].iloc[0], CYCLE[place % len(CYCLE)]
        style = LINES[place // len(CYCLE) % len(LINES)]
        axis.plot(rows["level"], rows["value"], style, color=colour, label=label)
    axis.set_xlabel("normalised return")
    axis.set_ylabel("share of tasks and seeds above it")


def aggregate_markdown(
    means: pd.DataFrame, beats: pd.DataFrame, found: Normalised, run: Run
) -> str:
    """Methods by interquartile mean, with their chance to beat the first of the run."""
    first = means.iloc[0]
    chances = beats[beats["second"] == first["column"]].set_index("first")
    rows = []
    for _, row in means.sort_values("value", ascending=False, kind="stable").iterrows():
        name = row["column"]
        chance = _estimate(chances.loc[name]) if name in chances.index else "–"
        rows.append([row["label"], _estimate(row), chance])
    suites = ", ".join(SUITE_LABELS.get(suite, suite) for suite in found.suites)
    notes = (
        f"Run `{run.name}` with {len(run.seeds)} seed(s); {suites}, weighed equally. "
        "Returns are normalised task by task: 0 is the mean of the first episodes of the "
        f"data, 1 that of the expert episodes ({found.left_out} task(s) whose experts earn "
        "no more are left out). The interquartile mean is over all tasks and seeds. The "
        "chance is that a seed of this method earns more on a task than one of the other; "
        "brackets hold 95 % bootstrap intervals, seeds redrawn suite by suite. "
        f"{FEW_SEEDS}\n"
    )
    header = ["method", "interquartile mean", f"chance to beat {first['label']}"]
    return f"{notes}\n{grid(header, rows)}"


def _estimate(row: pd.Series) -> str:
    if pd.isna(row["low"]):
        return number(row["value"], 2)
    return f"{number(row['value'], 2)} [{number(row['low'], 2)}, {number(row['high'], 2)}]"
