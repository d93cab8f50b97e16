"""What a run cost: time, memory and simulator steps of every stage.

Wall time is Snakemake's (a benchmark file per job). CPU time and memory are not: it samples
a running job too rarely, and was a factor of two off for short ones. Every stage prints its
own at the end of its log, see ``errors.run_stage``.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from trajprompt.checkpoint import RESUMED
from trajprompt.errors import TrajpromptError
from trajprompt.hdf5_attributes import get_integer
from trajprompt.report.cells import read_evaluation
from trajprompt.report.markdown import EMPTY, grid
from trajprompt.report.reading import read_table
from trajprompt.trajectories.layout import task_groups
from trajprompt.trajectories.store import open_store
from trajprompt.tuning.adaptation_layout import check_history, open_adaptation

TOTAL = "all stages"
USED = re.compile(r"used: (\d+\.\d) CPU-s, (\d+) MiB peak")


@dataclass(frozen=True)
class Folders:
    """Where a run's jobs left what they measured, ``<stage>/<path of the job>``."""

    benchmarks: Path  # Snakemake's .tsv
    logs: Path  # the stages' .log


@dataclass(frozen=True)
class Artifacts:
    """What a run made: one file per job. Files of no job of the run are not counted."""

    stores: Sequence[str | Path] = ()
    pretraining: Sequence[str | Path] = ()  # curves or backbones
    adaptations: Sequence[str | Path] = ()
    evaluations: Sequence[str | Path] = ()


def compute_table(folders: Folders, made: Artifacts) -> pd.DataFrame:
    """One row per stage: jobs, summed wall and CPU hours, largest memory, simulator steps.

    Jobs run side by side, so that the sum of their wall times exceeds the time one waits.
    Sums and maxima are over the jobs that were measured, NaN if none was; ``wall_unknown``
    and ``cpu_unknown`` (CPU time and memory) count the others, such as jobs run by hand.
    """
    for folder in (folders.benchmarks, folders.logs):
        if not folder.is_dir():
            raise TrajpromptError(folder, "no such folder", "Snakemake's files of the run")
    stages = {
        "1_collect": (made.stores, sum(map(_store_steps, made.stores))),
        "2_pretrain": (made.pretraining, 0),
        "3_tune": (made.adaptations, sum(map(_tuning_steps, made.adaptations))),
        "4_evaluate": (made.evaluations, sum(map(_evaluation_steps, made.evaluations))),
    }
    rows = []
    for stage, (paths, steps) in stages.items():
        jobs = [_measured(folders, _job(path, stage)) for path in paths]
        rows.append({"stage": stage, **_summary(jobs), "simulator_steps": steps})
    table = pd.DataFrame(rows)
    total = table.drop(columns=["stage", "memory_gib"]).sum(min_count=1)
    row = {"stage": TOTAL, **total, "memory_gib": table["memory_gib"].max()}
    table = pd.concat([table, pd.DataFrame([row])], ignore_index=True)
    whole = ("jobs", "wall_unknown", "cpu_unknown", "simulator_steps")
    return table.astype(dict.fromkeys(whole, int))


def compute_markdown(table: pd.DataFrame, run: str) -> str:
    """The table in minutes and million steps, with the share of each stage's CPU time.

    A sum that lacks jobs is marked as a lower bound, and then there are no shares.
    """
    all_stages = table.iloc[-1]
    complete = all_stages["cpu_unknown"] == 0 and all_stages["cpu_hours"] > 0
    rows = []
    for _, row in table.iterrows():
        share = 100 * row["cpu_hours"] / all_stages["cpu_hours"] if complete else None
        cells = [str(row["stage"]), f"{row['jobs']:,}"]
        cells.append(_bound(60 * row["wall_hours"], row["wall_unknown"], 1))
        cells.append(_bound(60 * row["cpu_hours"], row["cpu_unknown"], 1))
        cells.append(EMPTY if share is None or pd.isna(share) else f"{share:.0f} %")
        cells.append(_bound(row["memory_gib"], row["cpu_unknown"], 2))
        rows.append([*cells, f"{row['simulator_steps'] / 1e6:.3f}"])
    header = ["stage", "jobs", "wall, min", "CPU, min", "share", "peak of a job, GiB"]
    notes = (
        f"Run `{run}`: sums over jobs; wall time from Snakemake's benchmark files, CPU "
        "time and peak of resident memory as every job measured its own. Jobs ran side by "
        "side, so the wall times add up to more than the run took. Steps are control steps "
        "of one simulator; collection's are those that the stores hold."
    )
    for name, what in (("wall", "wall time"), ("cpu", "CPU time and memory")):
        if unknown := all_stages[f"{name}_unknown"]:
            notes += f" Unknown: the {what} of {unknown} of {all_stages['jobs']} jobs"
            notes += f"; sums without them are marked ≥, and {EMPTY} where none is known."
    return f"{notes}\n\n{grid([*header, 'simulator steps, million'], rows)}"


def _bound(value: float, unknown: int, digits: int) -> str:
    if pd.isna(value):
        return EMPTY
    return f"{'≥ ' if unknown else ''}{value:.{digits}f}"


def _job(path: str | Path, stage: str) -> Path:
    """``<stage>/…`` of the job that made ``path``; a suite's store is its only file."""
    parts = Path(path).parts
    if stage not in parts:
        raise TrajpromptError(path, "not a file of the run", f"a path through {stage}/")
    own = Path(*parts[len(parts) - 1 - parts[::-1].index(stage) :])
    return own.parent if stage == "1_collect" else own.with_suffix("")


def _measured(folders: Folders, job: Path) -> tuple[float, float, float]:
    """Wall seconds, CPU seconds and peak MiB of one job; NaN for what is not known."""
    benchmark = folders.benchmarks / f"{job}.tsv"
    log = folders.logs / f"{job}.log"
    unknown = float("nan")
    text = log.read_text(errors="replace") if log.is_file() else ""
    if RESUMED in text:  # both files tell of the last of its processes only
        return unknown, unknown, unknown
    wall = _wall_seconds(benchmark) if benchmark.is_file() else unknown
    return (wall, *_used(text))


def _wall_seconds(path: Path) -> float:
    table = read_table(path, "snakemake", ["s"], sep="\t", na_values=["-", "NA"])
    try:
        return float(table["s"].iloc[-1])
    except ValueError as error:
        raise TrajpromptError(path, f"s = {table['s'].iloc[-1]}", "seconds") from error


def _used(log: str) -> tuple[float, float]:
    """CPU seconds and MiB that the job printed last; progress may share a line by \\r."""
    for line in reversed(log.splitlines()):
        if found := USED.fullmatch(line.strip()):
            return float(found[1]), float(found[2])
    return float("nan"), float("nan")


def _summary(jobs: Sequence[tuple[float, float, float]]) -> dict[str, float]:
    table = pd.DataFrame(jobs, columns=["wall", "cpu", "memory"], dtype=float)
    return {
        "jobs": len(table),
        "wall_hours": table["wall"].sum(min_count=1) / 3600,
        "cpu_hours": table["cpu"].sum(min_count=1) / 3600,
        "memory_gib": table["memory"].max() / 1024,
        "wall_unknown": int(table["wall"].isna().sum()),
        "cpu_unknown": int(table["cpu"].isna().sum()),
    }


def _store_steps(path: str | Path) -> int:
    with open_store(path) as file:
        return sum(
            get_integer(group, "steps", f"{path}:task_{task}", "")
            for task, group in task_groups(file, path).items()
        )


def _tuning_steps(path: str | Path) -> int:
    """Steps of all rows of an adaptation; reads the history, not prompts or weights."""
    with open_adaptation(path) as file:
        check_history(file, path)
        names = ("task", "prompt", "simulator_steps")
        history = pd.DataFrame({name: file[f"history/{name}"][:] for name in names})
    return int(history.groupby(["task", "prompt"])["simulator_steps"].max().sum())


def _evaluation_steps(path: str | Path) -> int:
    """Steps of the episodes played: checkpoints with equal prompts share theirs."""
    table = read_evaluation(path)
    played = ["suite", "setting", "method", "seed", "task", "prompt", "episode", "return"]
    return int(table.drop_duplicates(played)["length"].sum())
