"""Figure of the calibration: gains of all settings, and episodes of the chosen ones."""

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from trajprompt.report.pages.formats import suite_label
from trajprompt.report.plots.style import (
    BLACK,
    BLUE,
    GREY,
    VERMILION,
    canvas,
    legend_below,
    list_height,
    save,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH = 13.0  # inches


def draw(table: pd.DataFrame, stem: str | Path) -> None:
    """Draw two panels per suite: gains of the settings, and episodes of the chosen ones.

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
            right.set_title(
                f"{suite_label(suite)}: episodes and gain of the chosen setting"
            )
        count = int(table["backbones"].max())
        text = (
            "Gain in return over the initial prompt on training tasks: "
            "mean ± standard error over {} backbone(s)"
        )
        figure.suptitle(text.format(count))
        legend_below(figure, [axes[0, 0]])
        save(figure, stem)


def draw_gains(axis: "Axes", rows: pd.DataFrame) -> None:
    """Draw a line per method with its settings in order; the chosen one is filled.

    A gain far from all others is an arrow at the edge, with its value.
    """
    methods = list(dict.fromkeys(rows["method"]))
    kinds = (  # column, colour, label; later ones cover earlier ones
        (None, GREY, "another setting"),
        ("paper", BLACK, "the paper's"),
        ("best", BLUE, "best"),
        ("chosen", VERMILION, "chosen"),
    )
    errors = rows[["se", "typical_se"]].max(axis=1)
    low, high = _limits(rows["gain"] - errors, rows["gain"] + errors)
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
        for index in cell.index[(cell["gain"] < low) | (cell["gain"] > high)]:
            gain = cell["gain"][index]
            edge, side = (low, "left") if gain < low else (high, "right")
            text = f"← {gain:.0f}" if gain < low else f"{gain:.0f} →"
            axis.text(edge, heights[index], text, ha=side, va="center", fontsize=7)
    axis.axvline(0, color=BLACK, lw=0.8, ls=":")
    axis.set_xlim(low, high)
    axis.set_yticks(range(len(methods)), methods)
    axis.set_ylim(len(methods) - 0.5, -0.5)
    axis.set_xlabel("gain in return")


def _limits(lows: pd.Series, highs: pd.Series) -> tuple[float, float]:
    """Limits of an axis that leave out what is far from the middle half of the values."""
    first, third = lows.quantile(0.25), highs.quantile(0.75)
    reach = 2 * (third - first)
    low, high = max(lows.min(), first - reach), min(highs.max(), third + reach)
    margin = 0.03 * (high - low)
    return low - margin, high + margin


def draw_budgets(axis: "Axes", rows: pd.DataFrame) -> None:
    """Draw the chosen settings in the rows of the left panel: episodes and gains.

    A line begins at what a prompt needs if the setting is known. At its end all episodes of
    the method's calibration are added. Methods without a simulator begin at 0 episodes.
    """
    spent = rows.groupby("method")["calibration_episodes"].sum()
    methods = list(dict.fromkeys(rows["method"]))
    for row in rows[rows["chosen"]].itertuples():
        place, own = methods.index(row.method), int(row.tuning_episodes)
        total = own + int(spent[row.method])
        axis.plot([own, total], [place, place], "-", color=VERMILION, lw=0.8)
        axis.plot([own], [place], "o", color=VERMILION, mfc="none", ms=5)
        axis.plot([total], [place], "o", color=VERMILION, ms=5)
        error = max(row.se, row.typical_se)
        text = f"{row.gain:+.1f} ± {error:.1f}"
        axis.annotate(
            text,
            (total, place),
            (8, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
        )
    axis.set_yticks(range(len(methods)), [])
    axis.set_ylim(len(methods) - 0.5, -0.5)
    axis.set_xscale("symlog", linthresh=10)
    axis.set_xlim(-1, 15 * axis.get_xlim()[1])
    axis.set_xlabel("episodes: of one tuning (open), with the calibration (filled)")
