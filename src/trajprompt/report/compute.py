"""What a run cost: time, memory and simulator steps of every stage."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from trajprompt.artifacts import require_file
from trajprompt.errors import TrajpromptError
from trajprompt.inspection.hdf5 import open_artifact
from trajprompt.report.markdown import grid

STAGES = ("1_collect", "2_pretrain", "3_tune", "4_evaluate")
TOTAL = "all stages"


def compute_table(
    benchmarks: str | Path,
    stores: Sequence[str | Path],
    adaptations: Sequence[str | Path],
    evaluations: Sequence[str | Path],
) -> pd.DataFrame:
    """One row per stage: jobs, summed wall and CPU hours, largest memory, simulator steps.

    ``benchmarks`` is the run's folder of Snakemake benchmark files, ``<stage>/**/*.tsv``.
    Jobs run side by side, so that the sum of their wall times exceeds the time one waits.
    A stage whose jobs left no benchmark file (made by hand) has 0 jobs and 0 hours.
    """
    if not Path(benchmarks).is_dir():
        raise TrajpromptError(benchmarks, "no such folder", "Snakemake's benchmark files")
    steps = {
        "1_collect": sum(map(_store_steps, stores)),
        "2_pretrain": 0,
        "3_tune": sum(map(_tuning_steps, adaptations)),
        "4_evaluate": sum(map(_evaluation_steps, evaluations)),
    }
    rows = [_stage_row(Path(benchmarks), stage, steps[stage]) for stage in STAGES]
    table = pd.DataFrame(rows)
    total = {"stage": TOTAL, **table.drop(columns=["stage", "memory_gib"]).sum()}
    total["memory_gib"] = table["memory_gib"].max()
    table = pd.concat([table, pd.DataFrame([total])], ignore_index=True)
    return table.astype({"jobs": int, "simulator_steps": int})


def compute_markdown(table: pd.DataFrame, run: str) -> str:
    """The table in minutes and million steps, with the share of each stage's CPU time."""
    total = table["cpu_hours"].iloc[-1] or 1.0
    rows = [
        [
            str(row.stage),
            f"{row.jobs:,}",
            f"{60 * row.wall_hours:.1f}",
            f"{60 * row.cpu_hours:.1f}",
            f"{100 * row.cpu_hours / total:.0f} %",
            f"{row.memory_gib:.2f}",
            f"{row.simulator_steps / 1e6:.3f}",
        ]
        for row in table.itertuples()
    ]
    header = ["stage", "jobs", "wall, min", "CPU, min", "share", "peak of a job, GiB"]
    notes = (
        f"Run `{run}`: sums over jobs, from Snakemake's benchmark files. Jobs ran side by "
        "side, so the wall times add up to more than the run took. Steps are control steps "
        "of one simulator; collection's are those that the stores hold."
    )
    return f"{notes}\n\n{grid([*header, 'simulator steps, million'], rows)}"


def _stage_row(benchmarks: Path, stage: str, steps: int) -> dict[str, object]:
    jobs = [_read_benchmark(path) for path in sorted((benchmarks / stage).rglob("*.tsv"))]
    table = pd.DataFrame(jobs, columns=["s", "cpu_time", "max_rss"])
    memory = table["max_rss"].max() / 1024 if len(table) else 0.0  # max_rss is in MiB
    return {
        "stage": stage,
        "jobs": len(table),
        "wall_hours": table["s"].sum() / 3600,
        "cpu_hours": table["cpu_time"].sum() / 3600,
        "memory_gib": memory,
        "simulator_steps": steps,
    }


def _read_benchmark(path: Path) -> dict[str, float]:
    """Seconds, CPU seconds and MiB of one job; what Snakemake could not measure is 0."""
    table = pd.read_csv(require_file(path, "snakemake"), sep="\t", na_values=["-", "NA"])
    missing = {"s", "cpu_time", "max_rss"} - set(table.columns)
    if missing:
        raise TrajpromptError(path, f"columns {list(table.columns)}", f"also {missing}")
    return table[["s", "cpu_time", "max_rss"]].iloc[-1].fillna(0.0).to_dict()


def _store_steps(path: str | Path) -> int:
    with open_artifact(require_file(path, "trajprompt collect")) as file:
        return sum(
            int(group.attrs["steps"]) for n, group in file.items() if n[:5] == "task_"
        )


def _tuning_steps(path: str | Path) -> int:
    """Steps of all rows of an adaptation; reads the history, not prompts or weights."""
    with open_artifact(require_file(path, "trajprompt tune")) as file:
        names = ("task", "prompt", "simulator_steps")
        history = pd.DataFrame({name: file[f"history/{name}"][:] for name in names})
    return int(history.groupby(["task", "prompt"])["simulator_steps"].max().sum())


def _evaluation_steps(path: str | Path) -> int:
    """Steps of the episodes played: checkpoints with equal prompts share theirs."""
    table = pd.read_csv(require_file(path, "trajprompt evaluate"))
    played = ["suite", "setting", "method", "seed", "task", "prompt", "episode", "return"]
    return int(table.drop_duplicates(played)["length"].sum())
