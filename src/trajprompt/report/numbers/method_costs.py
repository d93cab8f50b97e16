"""What every method cost, cell by cell, against tuning a prompt offline."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from trajprompt.report.read.jobs import cell_of, used_by

TUNE, EVALUATE = "3_tune", "4_evaluate"
# Prompt Diffuser is compared with prompt tuning: both are in every run that prints costs.
BASELINE, COMPARED = "ptdt-offline", "prompt-diffuser"
CELL = ["suite", "condition", "method"]
AGAINST = f"against {BASELINE}"


def cost_table(files: Mapping[str, Sequence[str | Path]]) -> pd.DataFrame:
    """One row per stage and cell: jobs, and CPU seconds, the mean over its seeds.

    ``files`` are those of the stages of cells, one of a job. Means are over the jobs that
    were measured, NaN if none was; ``unknown`` counts the others. ``against`` is the
    ratio to `BASELINE` in the same suite and condition, NaN where one of both is missing.
    """
    rows = [
        (stage, *cell_of(path, stage), used_by(path).cpu)
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
    level = table[table["method"] == BASELINE].set_index(names)["cpu_seconds"]
    keys = pd.MultiIndex.from_frame(table[names])
    return table["cpu_seconds"] / level.reindex(keys).set_axis(table.index)
