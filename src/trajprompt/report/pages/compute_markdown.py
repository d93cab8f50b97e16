"""Markdown of the cost of a run and of its methods."""

import pandas as pd

from trajprompt.report.numbers.method_costs import (
    BASELINE,
    CELL,
    COMPARED,
    EVALUATE,
    RATIO,
    TUNE,
)
from trajprompt.report.pages.formats import EMPTY, grid, number, suite_label


def compute_markdown(table: pd.DataFrame, run: str) -> str:
    """Table in minutes and million steps, with each stage's share of the CPU time.

    Sums that lack jobs are marked as lower bounds; then there are no shares.
    """
    all_stages = table.iloc[-1]
    complete = all_stages["unknown"] == 0 and all_stages["cpu_hours"] > 0
    rows = []
    for _, row in table.iterrows():
        share = 100 * row["cpu_hours"] / all_stages["cpu_hours"] if complete else None
        cells = [str(row["stage"]), f"{row['jobs']:,}"]
        cells.append(_bound(60 * row["wall_hours"], row["unknown"], 1))
        cells.append(_bound(60 * row["cpu_hours"], row["unknown"], 1))
        cells.append(EMPTY if share is None or pd.isna(share) else f"{share:.0f} %")
        cells.append(_bound(row["memory_gib"], row["unknown"], 2))
        rows.append([*cells, f"{row['simulator_steps'] / 1e6:.3f}"])
    header = ["stage", "jobs", "wall, min", "CPU, min", "share", "peak of a job, GiB"]
    notes = (
        f"Run `{run}`: sums over jobs. Each job measures its wall time, CPU time and peak "
        "resident memory, program start included, time in the queue excluded. Jobs ran in "
        "parallel, so the wall times add up to more than the run took. Steps are control "
        "steps of one simulator; for collection, the steps in the stores."
    )
    if unknown := all_stages["unknown"]:
        notes += f" Unknown: time and memory of {unknown} of {all_stages['jobs']} jobs"
        notes += f"; sums without them are marked ≥, or {EMPTY} if no job was measured."
    return f"{notes}\n\n{grid([*header, 'simulator steps, million'], rows)}"


def _bound(value: float, unknown: int, digits: int) -> str:
    if pd.isna(value):
        return EMPTY
    return f"{'≥ ' if unknown else ''}{value:.{digits}f}"


def cost_markdown(table: pd.DataFrame) -> str:
    """Table with a row per cell; columns for tuning and evaluation, with ratios."""
    if table.empty:
        return ""
    stages = {name: rows.set_index(CELL) for name, rows in table.groupby("stage")}
    lines = []
    for cell in dict.fromkeys(table[CELL].itertuples(index=False, name=None)):
        suite, condition, method = cell
        line = [suite_label(suite), condition, method]
        for stage in (TUNE, EVALUATE):
            line += _cost_cells(stages.get(stage), cell)
        lines.append(line)
    header = ["suite", "condition", "method"]
    for what in ("tuning", "evaluation"):
        header += [f"{what}: jobs", "CPU s per cell", RATIO]
    return f"## Cost per cell\n\n{_notes(table)}\n{grid(header, lines, 3)}"


def _cost_cells(rows: pd.DataFrame | None, cell: tuple[str, str, str]) -> list[str]:
    if rows is None or cell not in rows.index:
        return [EMPTY] * 3
    row = rows.loc[cell]
    jobs = f"{row['jobs']:.0f}"
    if row["unknown"]:
        jobs = f"{row['jobs'] - row['unknown']:.0f} of {jobs}"
    ratio = number(row["against"], 2)
    return [jobs, number(row["cpu_seconds"]), ratio if ratio == EMPTY else f"{ratio} ×"]


def _notes(table: pd.DataFrame) -> str:
    """Notes on the table, with the relative cost of tuning Prompt Diffuser."""
    text = (
        "CPU seconds are measured by each job, program start included; values are means "
        f"over seeds. *{RATIO.capitalize()}*: ratio in the same suite and condition.\n"
    )
    compared = (table["stage"] == TUNE) & (table["method"] == COMPARED)
    known = table[compared].dropna(subset=["against"])
    if known.empty:
        return text
    ratios = [
        f"{number(row['against'], 2)} in {suite_label(row['suite'])} ({row['condition']})"
        for _, row in known.iterrows()
    ]
    line = f"CPU seconds of tuning, {COMPARED} / {BASELINE}: {', '.join(ratios)}."
    return f"{text}\n**{line}**\n"
