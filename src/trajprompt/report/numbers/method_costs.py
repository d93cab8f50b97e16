"""CPU time of each method per cell, relative to offline prompt tuning."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from trajprompt.report.read.jobs import cell_of, job_cost

TUNE, EVALUATE = "3_tune", "4_evaluate"
# The ratio in the text; every run that prints costs has both methods.
BASELINE, COMPARED = "ptdt-offline", "prompt-diffuser"
CELL = ["suite", "condition", "method"]
RATIO = f"relative to {BASELINE}"


def cost_table(files: Mapping[str, Sequence[str | Path]]) -> pd.DataFrame:
    """One row per stage and cell: number of jobs, and mean CPU seconds over seeds.

    ``files`` are the files of each stage, one per job. Means are over the measured jobs,
    NaN if there are none; ``unknown`` counts the other jobs. ``against`` is the ratio to
    `BASELINE` in the same suite and condition, NaN if either is missing.
    """
    rows = [
        (stage, *cell_of(path, stage), job_cost(path).cpu)
        for stage, paths in files.items()
        for path in paths
    ]
    table = pd.DataFrame(rows, columns=["stage", *CELL, "cpu"]).astype({"cpu": float})
    cpu = table.groupby(["stage", *CELL], sort=False)["cpu"]
    found = cpu.agg(jobs="size", cpu_seconds="mean", measured="count").reset_index()
    found["unknown"] = found["jobs"] - found.pop("measured")
    return found.assign(against=_against(found))


def _against(table: pd.DataFrame) -> pd.Series:
    names = ["stage", "suite", "condition"]
    baseline = table[table["method"] == BASELINE].set_index(names)["cpu_seconds"]
    keys = pd.MultiIndex.from_frame(table[names])
    return table["cpu_seconds"] / baseline.reindex(keys).set_axis(table.index)
