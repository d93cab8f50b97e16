"""Tables of returns as figures: differences from one entry, ours beside the paper's.

Returns of good methods are close together and far from those of random play, so a table is
drawn relative to its untuned prompt: our difference is paired by task and seed, the paper's
is the difference of its printed means. Both are returns per episode, or D4RL's scores.
"""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from trajprompt.report.pages.formats import number, suite_label
from trajprompt.report.plots.estimates import difference
from trajprompt.report.plots.figure import equal_resets, sample_sizes
from trajprompt.report.plots.marks import (
    limit,
    marks_note,
    mean_mark,
    off_axis,
    plural,
    reach,
    span_of,
)
from trajprompt.report.plots.style import (
    BLACK,
    BLUE,
    GREY,
    VERMILION,
    headline,
    legend_below,
    list_height,
    panels,
    save,
)
from trajprompt.report.read.cells import Entry
from trajprompt.report.read.run import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

UNTUNED = "none"  # the method that does not tune
HEAD_INCHES = 0.55  # of a panel, for its second axis and the line below its title
SPREADS = "paper, ± spreads of both values added in squares"


def draw_table(table: pd.DataFrame, run: Run, stem: str | Path) -> None:
    """Draw a panel per suite: differences of all entries from the untuned prompt."""
    rows = gains(table, run)
    height = list_height(len(run.entries)) + HEAD_INCHES
    with panels(len(run.suites), share_y=True, height=height) as (figure, axes):
        for suite, axis in zip(run.suites, axes, strict=True):
            _panel(axis, rows[rows["suite"] == suite].set_index("column"), run)
            axis.set_title(_title(rows[rows["suite"] == suite], suite), fontsize=9)
        labels = [entry.label for entry in run.entries]
        axes[0].set_yticks(range(len(labels)), labels)
        axes[0].set_ylim(len(labels) - 0.4, -0.6)
        headline(figure, run.title, *_notes(rows, run))
        legend_below(figure, axes)
        save(figure, stem)


def reference(run: Run, suite: str) -> Entry:
    """Entry that a suite's others are drawn relative to.

    The untuned prompt that most entries of the table were tuned from, by condition; first
    come those that the paper prints for the suite. Without one, the first entry.
    """
    covering = [entry for entry in run.entries if entry.covers(suite)]
    tuned = {entry.condition for entry in covering if entry.method != UNTUNED}
    untuned = [entry for entry in covering if entry.method == UNTUNED]

    def fitness(entry: Entry) -> tuple[bool, bool]:
        return entry.condition in tuned, run.published.get(suite, entry.id) is not None

    return max(untuned, key=fitness) if untuned else covering[0]


def gains(table: pd.DataFrame, run: Run) -> pd.DataFrame:
    """Differences from `reference`, a row per suite and entry, with the paper's.

    Column ``paper`` is the printed difference, ``paper_spread`` both printed spreads added
    in squares; ``zero`` and ``zero_label`` are the reference's return and label.
    """
    found = []
    cells = table.set_index(["suite", "column"])
    for suite in run.suites:
        zero = reference(run, suite)
        base = cells.loc[(suite, zero.id)]
        scored = run.teacher(suite).data is not None  # its gap is the score itself
        unit = "D4RL score" if scored and not run.raw else "return per episode"
        level = run.scores(zero)[suite].values
        for entry in run.entries:
            if not entry.covers(suite):
                continue
            cell, scores = cells.loc[(suite, entry.id)], run.scores(entry)[suite]
            row: dict[str, object] = {"suite": suite, "column": entry.id}
            row |= {"label": entry.label, "episodes": scores.episodes}
            closed = math.nan if scored else cell["gap_closed"]
            row |= {"gap_closed": closed, "gap": run.teacher(suite).gap, "unit": unit}
            row |= {"zero": base["mean"], "zero_label": zero.label, "zero_id": zero.id}
            row |= _paper(cell, base)
            pair = [scores.values], [level]
            found.append(row | difference(run, *pair, "table", entry.id, suite))
    return pd.DataFrame(found)


def _paper(cell: pd.Series, zero: pd.Series) -> dict[str, float]:
    printed, base = cell["published"], zero["published"]
    if pd.isna(printed) or pd.isna(base):
        return {"paper": math.nan, "paper_spread": math.nan}
    spreads = [row["published_spread"] for row in (cell, zero)]
    known = not any(map(pd.isna, spreads))
    spread = math.hypot(*spreads) if known else math.nan
    return {"paper": float(printed - base), "paper_spread": spread}


def _title(rows: pd.DataFrame, suite: str) -> str:
    first = rows.iloc[0]
    share = rows.loc[rows["column"] == first["zero_id"], "gap_closed"].iloc[0]
    zero = f"0 is {first['zero_label']}: {number(first['zero'])}"
    if not pd.isna(share):
        zero += f", {number(100 * share, 0)} % of the gap"
    size = f"{plural(first['tasks'], 'task')} × {plural(first['episodes'], 'episode')}"
    return f"{suite_label(suite)} ({size})\n{zero}"


def _panel(axis: "Axes", rows: pd.DataFrame, run: Run) -> None:
    others = rows[rows.index != rows["zero_id"].iloc[0]]
    shown = limit([reach(row) for _, row in others.iterrows()])
    axis.set_xlim(*span_of(others, shown))
    axis.axvline(0, color=BLACK, lw=1, zorder=1)
    spreads = rows["paper_spread"].notna().any()
    beside: dict[str, Any] = {"va": "center", "fontsize": 8}
    for place, entry in enumerate(run.entries):
        if entry.id not in rows.index:
            text = "not run on this suite"
            white: dict[str, Any] = {"bbox": {"fc": "white", "lw": 0, "pad": 1}}
            axis.text(
                0.02, place, text, color=GREY, transform=_beside(axis), **white, **beside
            )
            continue
        row = rows.loc[entry.id]
        if entry.id == row["zero_id"]:
            axis.plot(0, place, "o", color=BLACK)
        else:
            _marks(axis, row, place, shown, SPREADS if spreads else "paper")
        share = (
            "" if pd.isna(row["gap_closed"]) else f"{number(100 * row['gap_closed'], 0)} %"
        )
        axis.text(1.015, place, share, transform=_beside(axis), **beside)
    axis.set_xlabel(f"difference in {rows['unit'].iloc[0]} (right is better)")
    axis.locator_params("x", nbins=6)


def _beside(axis: "Axes") -> Any:
    return axis.get_yaxis_transform()


def _marks(axis: "Axes", row: pd.Series, place: float, shown: float, papers: str) -> None:
    """Draw ours above the paper's; values beyond ``shown`` are arrows with the value."""
    if abs(row["mean"]) > 1.001 * shown:
        off_axis(axis, row["mean"], place - 0.24, BLUE, number(row["mean"], 0))
    else:
        label = "this run" if pd.isna(row["low"]) else "this run, 95 % t interval"
        mean_mark(axis, row, place - 0.15, BLUE, label=label)
    if pd.isna(row["paper"]):
        return
    if abs(row["paper"]) > 1.001 * shown:
        off_axis(axis, row["paper"], place + 0.24, VERMILION, number(row["paper"], 0))
        return
    spread = None if pd.isna(row["paper_spread"]) else row["paper_spread"]
    style: dict[str, Any] = {"fmt": "D", "ms": 5, "color": VERMILION, "mfc": "white"}
    axis.errorbar(row["paper"], place + 0.2, xerr=spread, label=papers, **style)


def _notes(rows: pd.DataFrame, run: Run) -> list[str]:
    notes = [sample_sizes(rows), "differences paired by task and seed", marks_note(rows)]
    if not rows["gap_closed"].isna().all():
        notes.append(
            "% at the right: share of the gap from the data's first to expert episodes"
        )
    if not rows["paper"].isna().all():
        notes.append("paper: its printed mean less its printed mean of the same reference")
    return [*notes, _arrows(rows), equal_resets(run.suites)]


def _arrows(rows: pd.DataFrame) -> str:
    """Note on arrows, if a panel has any."""
    for _, here in rows[rows["column"] != rows["zero_id"]].groupby("suite"):
        shown = limit([reach(row) for _, row in here.iterrows()])
        if here[["mean", "paper"]].abs().max().max() > 1.001 * shown:
            return "arrows: off the axis, with their value"
    return ""
