"""The headline: primary contrasts of this run beside the papers', with their verdicts."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from trajprompt.report.pages.formats import number, span, suite_label
from trajprompt.report.plots.marks import plural
from trajprompt.report.plots.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    VERMILION,
    canvas,
    headline,
    legend_below,
    save,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLE = "Do the papers' main results hold? Primary contrasts of this run beside the papers'"
LINEAR = 2.0  # in δ: the axis is linear up to here, then logarithmic
TICKS = (0, 1, 3, 10, 30, 100, 300, 1000)
ROW_INCHES, HEAD_INCHES = 0.3, 1.7
VERDICT_POINTS = 80  # width of the longest verdict, and a gap
COLOURS = {"reproduced": GREEN, "contradicted": VERMILION, "no difference": BLUE}
EMPTY = "This run judges no primary contrast."


def draw_headline(
    rows: pd.DataFrame, names: Mapping[str, str], papers: Mapping[str, str], stem: Path
) -> None:
    """Draw a row per contrast: both differences in units of δ, and the verdict.

    ``rows`` are those of `read_findings`, ``names`` the labels of entries, and ``papers``
    the names of papers by source.
    """
    lines = _lines(rows, papers)
    height = HEAD_INCHES + ROW_INCHES * max(3, len(lines))
    with canvas(1, 1, height) as (figure, axes):
        axis = axes[0, 0]
        if rows.empty:
            axis.text(0.5, 0.5, EMPTY, ha="center", transform=axis.transAxes)
        else:
            _panel(axis, lines, names)
        headline(figure, TITLE, *_notes(rows))
        legend_below(figure, [axis])
        save(figure, stem)


def _lines(rows: pd.DataFrame, papers: Mapping[str, str]) -> list[pd.Series | str]:
    """Rows below the name of their paper."""
    lines: list[pd.Series | str] = []
    for source, here in rows.groupby("paper", sort=False):
        lines.append(papers.get(str(source), str(source)))
        lines += [row for _, row in here.iterrows()]
    return lines


def _panel(axis: "Axes", lines: list[pd.Series | str], names: Mapping[str, str]) -> None:
    rows = [line for line in lines if not isinstance(line, str)]
    furthest = max(1.5, *(_reach(row) for row in rows))
    _scale(axis, 1.1 * furthest)
    axis.axvspan(-1, 1, color=GREY, alpha=0.15, lw=0, label="smaller than δ")
    axis.axvline(0, color=BLACK, lw=1)
    for place, line in enumerate(lines):
        if not isinstance(line, str):
            _contrast(axis, line, place)
    texts = [line if isinstance(line, str) else _label(line, names) for line in lines]
    axis.set_yticks(range(len(lines)), texts, fontsize=8)
    for tick, line in zip(axis.get_yticklabels(), lines, strict=True):
        if isinstance(line, str):
            tick.set_fontweight("bold")
    axis.set_ylim(len(lines) - 0.4, -0.6)
    axis.grid(axis="y", visible=False)
    beyond = f"linear up to {LINEAR:g}, then logarithmic"
    axis.set_xlabel(
        f"first − second, in units of δ, the smallest effect of interest; {beyond}"
    )


def _scale(axis: "Axes", furthest: float) -> None:
    axis.set_xscale("symlog", linthresh=LINEAR)
    axis.set_xlim(-furthest, furthest)
    ticks = [tick for tick in TICKS if tick <= furthest]
    signed = [*(-tick for tick in reversed(ticks[1:])), *ticks]
    axis.set_xticks(signed, [f"{tick:g}".replace("-", "−") for tick in signed])
    axis.minorticks_off()
    axis.tick_params("x", labelsize=8)


def _contrast(axis: "Axes", row: pd.Series, place: float) -> None:
    """Draw ours, the paper's, and at the right the verdict with the returns."""
    unit = row["delta"] if row["delta"] > 0 else np.nan
    ours = [row[name] / unit for name in ("difference", "low", "high")]
    label = "this run" if np.isnan(ours[1]) else "this run, t interval over seeds"
    if not np.isnan(ours[0]):
        axis.plot(ours[1:], [place - 0.18] * 2, color=BLUE, lw=2)
        axis.plot(ours[0], place - 0.18, "o", color=BLUE, label=label)
    paper = row["published_difference"] / unit
    if not np.isnan(paper):
        style: dict[str, Any] = {"ms": 5, "mfc": "white", "color": VERMILION}
        axis.plot(paper, place + 0.22, "D", label="paper", **style)
    verdict: dict[str, Any] = {"weight": "bold", "fontsize": 8}
    verdict["color"] = COLOURS.get(row["verdict"], "#444444")
    _beside(axis, row["verdict"], place, 8, **verdict)
    _beside(axis, _returns(row), place, VERDICT_POINTS, fontsize=7.5)


def _beside(axis: "Axes", text: str, place: float, points: float, **style: Any) -> None:
    """Write ``text`` at the height ``place``, so many points right of the axes."""
    at: dict[str, Any] = {"xycoords": axis.get_yaxis_transform(), "va": "center"}
    at |= {"xytext": (points, 0), "textcoords": "offset points", "annotation_clip": False}
    axis.annotate(text, (1, place), **at, **style)


def _label(row: pd.Series, names: Mapping[str, str]) -> str:
    """Suite and both sides of a contrast, with the sign that its claim has."""
    first, second = (names.get(row[side], row[side]) for side in ("first", "second"))
    sign = {"greater": ">", "at-least": "≥", "equivalent": "≈"}[row["direction"]]
    minus = row.get("minus")
    gain = " (gains)" if isinstance(minus, str) and minus.split() else ""
    return f"{first} {sign} {second}{gain}, {suite_label(str(row['suite']))}"


def _returns(row: pd.Series) -> str:
    """Both differences in return per episode, and δ."""
    parts = []
    if not pd.isna(row["difference"]):
        text = number(row["difference"])
        if not pd.isna(row["low"]):
            text += f" [{number(row['low'])}, {number(row['high'])}]"
        parts.append(text)
    if not pd.isna(row["published_difference"]):
        parts.append(f"paper {number(row['published_difference'])}")
    if not pd.isna(row["delta"]):
        parts.append(f"δ {number(row['delta'])}")
    return "; ".join(parts)


def _reach(row: pd.Series) -> float:
    values = row[["difference", "low", "high", "published_difference"]].to_numpy(float)
    found = np.abs(values / (row["delta"] if row["delta"] > 0 else np.nan))
    return 0.0 if np.isnan(found).all() else float(np.nanmax(found))


def _notes(rows: pd.DataFrame) -> list[str]:
    if rows.empty:
        return []
    notes = ["differences of returns, paired by task and seed"]
    if rows["difference"].notna().any() and "seeds" in rows:
        judged = rows[rows["difference"].notna()]
        notes.insert(0, plural(span(judged["seeds"]), "seed"))
    if rows["low"].notna().any():
        notes.append("intervals at the level of the verdict, 95 % or more")
    notes += ["the paper's differences are divided by this run's δ, too"]
    return [
        *notes,
        "right: verdict, returns per episode",
    ]
