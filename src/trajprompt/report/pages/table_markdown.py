"""Markdown of the report's tables: returns, closed gaps, tuned parameters, tasks."""

import math

import pandas as pd

from trajprompt.report.numbers.cell_table import SCORE_LABELS, TEACHER_LABELS
from trajprompt.report.numbers.printed import has_scores
from trajprompt.report.pages.formats import (
    EMPTY,
    grid,
    interval,
    number,
    plus_minus,
    span,
    suite_label,
)
from trajprompt.report.pages.notes import table_notes
from trajprompt.report.read.run import Run

TUNED = "parameters tuned per prompt (share of the backbone)"
GAP_CLOSED = "closed share of the gap from {}, %"
GAP = "the first to the expert episodes"
SCORE_GAP = "D4RL's 0 to D4RL's 100"


def table_markdown(table: pd.DataFrame, run: Run, checkpoint: str = "last") -> str:
    """Table with a row per method, and our and the published value for each suite."""
    counts = _counts(table, run)
    header = ["return", *(["tuned parameters"] if counts else [])]
    for suite in run.shown:
        header += [f"{suite_label(suite)}: ours", "paper"]
    cells = table.set_index(["column", "suite"])
    names = list(dict.fromkeys(zip(table["column"], table["label"], strict=True)))
    rows = []
    for name, label in names:
        line = [f"*{label}*" if name in TEACHER_LABELS else label]
        line += [counts.get(name, EMPTY)] if counts else []
        for suite in run.shown:
            line += _pair(cells, name, suite)
        rows.append(line)
    methods = [name for name, _ in names if name not in TEACHER_LABELS]
    parts = [f"# {run.title}\n", grid(header, rows), gap_markdown(table, run)]
    parts += [sizes_markdown(table, run), table_notes(table, run, checkpoint, methods)]
    return "\n".join(part for part in parts if part)


def _counts(table: pd.DataFrame, run: Run) -> dict[str, str]:
    """Parameters tuned per prompt by entry, as ``135`` or ``135 to 220`` over suites."""
    counted = table[table["suite"].isin(run.suites)].dropna(subset=["parameters"])
    return {str(name): span(rows["parameters"]) for name, rows in counted.groupby("column")}


def _pair(cells: pd.DataFrame, entry: str, suite: str) -> list[str]:
    """Our value and the published value of one cell."""
    if (entry, suite) not in cells.index:
        return [EMPTY, EMPTY]
    row = cells.loc[(entry, suite)]
    return [interval(row), plus_minus(row.get("published"), row.get("published_spread"))]


def gap_markdown(table: pd.DataFrame, run: Run) -> str:
    """Table of the share of the expert gap that each method closes."""
    methods = table[~table["column"].isin(list(TEACHER_LABELS))]
    shares = methods.set_index(["column", "suite"])["gap_closed"]
    rows = [
        [
            label,
            *(number(100 * shares.get((name, suite), math.nan), 0) for suite in run.shown),
        ]
        for name, label in dict.fromkeys(
            zip(methods["column"], methods["label"], strict=True)
        )
    ]
    scored = {has_scores(suite) for suite in run.suites}
    gaps = [GAP] * (False in scored) + [SCORE_GAP] * (True in scored)
    title = GAP_CLOSED.format(" or ".join(gaps))
    header = [title, *(suite_label(suite) for suite in run.shown)]
    return grid(header, rows)


def sizes_markdown(table: pd.DataFrame, run: Run) -> str:
    """Table of the parameters each method tunes per prompt, and their backbone share."""
    counted = table[table["suite"].isin(run.suites)].dropna(subset=["parameters"])
    cells = counted.set_index(["column", "suite"])
    rows = []
    for entry in run.entries:
        ours = [_size(cells, entry.id, suite) for suite in run.suites]
        printed = run.printed_sizes.get(entry.id)
        paper = printed.text if printed else EMPTY
        if printed or set(ours) - {EMPTY}:
            rows.append([entry.label, *ours, paper])
    header = [TUNED, *(suite_label(suite) for suite in run.suites), "paper"]
    return grid(header, rows) if rows else ""


def _size(cells: pd.DataFrame, entry: str, suite: str) -> str:
    if (entry, suite) not in cells.index:
        return EMPTY
    row = cells.loc[(entry, suite)]
    count = int(row["parameters"])
    return f"{count:,} ({row['parameters_percentage']:.3g} %)" if count else EMPTY


def task_markdown(table: pd.DataFrame) -> str:
    """One table per suite: a row per test task, columns for the data and the methods."""
    parts = []
    for suite, rows in table.groupby("suite", sort=False):
        entries = dict(zip(rows["column"], rows["label"], strict=True))
        levels = [level for level in TEACHER_LABELS if rows[level].notna().any()]
        labels = TEACHER_LABELS | (SCORE_LABELS if has_scores(str(suite)) else {})
        header = ["task", *(labels[level] for level in levels), *entries.values()]
        lines = []
        for task, group in rows.groupby("task"):
            by_column = group.set_index("column")
            teacher = [number(group[level].iloc[0]) for level in levels]
            cells = [interval(by_column.loc[entry]) for entry in entries]
            lines.append([str(task), *teacher, *cells])
        parts.append(f"### {suite_label(str(suite))}\n\n{grid(header, lines)}")
    return "\n".join(parts)
