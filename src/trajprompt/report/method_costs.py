"""What every method cost, cell by cell, against tuning a prompt offline."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from trajprompt.report.jobs import job_of, used_by
from trajprompt.report.markdown import EMPTY, SUITE_LABELS, grid, number

TUNE, EVALUATE = "3_tune", "4_evaluate"
BASELINE, COMPARED = "ptdt-offline", "prompt-diffuser"
CELL = ["suite", "setting", "method"]
AGAINST = f"against {BASELINE}"


def cost_table(logs: Path, files: Mapping[str, Sequence[str | Path]]) -> pd.DataFrame:
    """One row per stage and cell: jobs, and CPU seconds, the mean over its seeds.

    ``files`` are those of the stages of cells, one of a job. Means are over the jobs that
    were measured, NaN if none was; ``unknown`` counts the others. ``against`` is the
    ratio to `BASELINE` in the same suite and setting, NaN where one of both is missing.
    """
    jobs = [job_of(path, stage) for stage, paths in files.items() for path in paths]
    rows = [(*job.parts[:4], used_by(job, logs).cpu) for job in jobs]
    table = pd.DataFrame(rows, columns=["stage", *CELL, "cpu"]).astype({"cpu": float})
    cpu = table.groupby(["stage", *CELL], sort=False)["cpu"]
    found = cpu.agg(jobs="size", cpu_seconds="mean", measured="count").reset_index()
    found["unknown"] = found["jobs"] - found.pop("measured")
    return found.assign(against=_against(found))


def _against(table: pd.DataFrame) -> pd.Series:
    names = ["stage", "suite", "setting"]
    level = table[table["method"] == BASELINE].set_index(names)["cpu_seconds"]
    keys = pd.MultiIndex.from_frame(table[names])
    return table["cpu_seconds"] / level.reindex(keys).set_axis(table.index)


def cost_markdown(table: pd.DataFrame) -> str:
    """Cells downwards, suite by suite; tuning and evaluation across, with ratios."""
    if table.empty:
        return ""
    stages = {name: rows.set_index(CELL) for name, rows in table.groupby("stage")}
    lines = []
    for cell in dict.fromkeys(table[CELL].itertuples(index=False, name=None)):
        suite, setting, method = cell
        line = [SUITE_LABELS.get(suite, suite), setting, method]
        for stage in (TUNE, EVALUATE):
            line += _shown(stages.get(stage), cell)
        lines.append(line)
    header = ["suite", "setting", "method"]
    for what in ("tuning", "evaluation"):
        header += [f"{what}: jobs", "CPU s per cell", AGAINST]
    return f"## Cell by cell\n\n{_notes(table)}\n{grid(header, lines, 3)}"


def _shown(rows: pd.DataFrame | None, cell: tuple[str, str, str]) -> list[str]:
    if rows is None or cell not in rows.index:
        return [EMPTY] * 3
    row = rows.loc[cell]
    jobs = f"{row['jobs']:.0f}"
    if row["unknown"]:
        jobs = f"{row['jobs'] - row['unknown']:.0f} of {jobs}"
    ratio = number(row["against"], 2)
    return [jobs, number(row["cpu_seconds"]), ratio if ratio == EMPTY else f"{ratio} ×"]


def _notes(table: pd.DataFrame) -> str:
    """What the numbers are, and how dear the diffuser's tuning is."""
    text = (
        "CPU seconds as every job measured its own, start of the program included; means "
        f"over seeds. *{AGAINST.capitalize()}*: the ratio to {BASELINE} in the same suite "
        "and setting.\n"
    )
    own = (table["stage"] == TUNE) & (table["method"] == COMPARED)
    known = table[own].dropna(subset=["against"])
    if known.empty:
        return text
    ratios = [
        f"{number(row['against'], 2)} in {SUITE_LABELS.get(row['suite'], row['suite'])} "
        f"({row['setting']})"
        for _, row in known.iterrows()
    ]
    line = f"CPU seconds of tuning, {COMPARED} / {BASELINE}: {', '.join(ratios)}."
    return f"{text}\n**{line}**\n"
