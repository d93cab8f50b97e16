"""Figure of the calibration: gains of all settings, and returns by the episodes spent."""

from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from trajprompt.report.pages.formats import suite_label
from trajprompt.report.plots.style import (
    BLACK,
    BLUE,
    CYCLE,
    GREY,
    VERMILION,
    canvas,
    list_height,
    save,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH = 13.0  # inches


def draw(table: pd.DataFrame, stem: str | Path) -> None:
    """Draw two panels per suite: gains of the settings, and returns by episodes.

    Writes ``stem``.svg and ``stem``.png.
    """
    suites = list(dict.fromkeys(table["suite"]))
    methods = table.groupby("suite")["method"].nunique()
    height = sum(list_height(int(methods[suite])) + 0.4 for suite in suites)
    with canvas(len(suites), 2, height, WIDTH) as (figure, axes):
        for suite, (left, right) in zip(suites, axes, strict=True):
            rows = table[table["suite"] == suite]
            draw_gains(left, rows)
            draw_budgets(right, rows)
            left.set_title(f"{suite_label(suite)}: gain of every setting")
            right.set_title(f"{suite_label(suite)}: return by episodes spent")
        count = int(table["backbones"].max())
        text = "Calibration on training tasks: mean ± standard error over {} backbone(s)"
        figure.suptitle(text.format(count))
        save(figure, stem)


def draw_gains(axis: "Axes", rows: pd.DataFrame) -> None:
    """Draw a line per method with its settings in order; the chosen one is filled."""
    methods = list(dict.fromkeys(rows["method"]))
    kinds = (  # column, colour, label; later ones cover earlier ones
        (None, GREY, "setting"),
        ("paper", BLACK, "the paper's"),
        ("best", BLUE, "best"),
        ("chosen", VERMILION, "chosen"),
    )
    for place, method in enumerate(methods):
        cell = rows[rows["method"] == method].reset_index(drop=True)
        heights = place + (cell.index - (len(cell) - 1) / 2) * 0.11
        errors = cell[["se", "typical_se"]].max(axis=1)
        for column, colour, label in kinds:
            shown = cell.index if column is None else cell.index[cell[column]]
            axis.errorbar(
                cell["gain"][shown],
                heights[shown],
                xerr=errors[shown],
                fmt="o",
                ms=3.5 if column is None else 5,
                mfc=colour if column in (None, "chosen") else "none",
                color=colour,
                lw=0.8,
                label=label if place == 0 else None,
            )
    axis.axvline(0, color=BLACK, lw=0.8, ls=":")
    axis.set_yticks(range(len(methods)), methods)
    axis.invert_yaxis()
    axis.set_xlabel("gain in return over the initial prompt")
    axis.legend(fontsize=8, loc="best")


def draw_budgets(axis: "Axes", rows: pd.DataFrame) -> None:
    """Draw the chosen settings: a line from tuning's episodes to those of calibration too.

    The line's first end is what a prompt needs if the setting is known. At its other end
    are all episodes of the method's calibration added. Methods without a simulator begin
    at 0 episodes.
    """
    spent = rows.groupby("method")["calibration_episodes"].sum()
    markers = cycle("osD^v<>P")
    for place, row in enumerate(rows[rows["chosen"]].itertuples()):
        own, total = int(row.tuning_episodes), int(spent[row.method])
        level = row.initial + row.gain
        colour, marker = CYCLE[place % len(CYCLE)], next(markers)
        axis.plot([own, own + total], [level, level], "-", color=colour, lw=0.8)
        axis.plot([own], [level], marker, color=colour, mfc="none", ms=5)
        axis.plot([own + total], [level], marker, color=colour, ms=5, label=str(row.method))
    start = rows.groupby("method")["initial"].first()
    for level in sorted(set(start.round(6))):
        axis.axhline(level, color=BLACK, ls=":", lw=0.8)
    axis.set_xscale("symlog", linthresh=10)
    axis.set_xlim(left=-1)
    axis.set_xlabel("episodes: of one tuning (open), with the calibration (filled)")
    axis.set_ylabel("return; dotted: initial prompts")
    axis.legend(fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))
