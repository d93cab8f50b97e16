"""Cost of a run: time, memory and simulator steps of each stage."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from trajprompt.adaptations.layout import check_history, open_adaptation
from trajprompt.artifacts.hdf5_attributes import get_integer
from trajprompt.collect.teacher_header import read_teacher_header
from trajprompt.report.read.cells import read_evaluation
from trajprompt.report.read.jobs import JobCost, job_cost
from trajprompt.trajectories.layout import task_groups
from trajprompt.trajectories.store import open_store

TOTAL = "all stages"


@dataclass(frozen=True)
class RunFiles:
    """Output files of a run, one per job; files that no job made are left out."""

    stores: Sequence[str | Path] = ()
    pretraining: Sequence[str | Path] = ()  # curves or backbones
    adaptations: Sequence[str | Path] = ()
    evaluations: Sequence[str | Path] = ()
    random_policies: Sequence[str | Path] = ()  # also of stage 4
    teachers: Sequence[str | Path] = ()  # policies, also of stage 1


def compute_table(files: RunFiles) -> pd.DataFrame:
    """One row per stage: jobs, summed wall and CPU hours, peak memory, simulator steps.

    Jobs run in parallel, so the sum of their wall times exceeds the elapsed time.
    Sums and maxima are over the measured jobs, NaN if there are none; ``unknown`` counts
    the other jobs, such as resumed ones.
    """
    evaluated = [*files.evaluations, *files.random_policies]
    stages = {
        "1_collect": (
            [*files.teachers, *files.stores],
            sum(map(_teacher_steps, files.teachers)) + sum(map(_store_steps, files.stores)),
        ),
        "2_pretrain": (files.pretraining, 0),
        "3_tune": (files.adaptations, sum(map(_tuning_steps, files.adaptations))),
        "4_evaluate": (evaluated, sum(map(_evaluation_steps, evaluated))),
    }
    rows = []
    for stage, (paths, steps) in stages.items():
        rows.append(
            {"stage": stage, **_summary([*map(job_cost, paths)]), "simulator_steps": steps}
        )
    table = pd.DataFrame(rows)
    total = table.drop(columns=["stage", "memory_gib"]).sum(min_count=1)
    row = {"stage": TOTAL, **total, "memory_gib": table["memory_gib"].max()}
    table = pd.concat([table, pd.DataFrame([row])], ignore_index=True)
    counts = ("jobs", "unknown", "simulator_steps")
    return table.astype(dict.fromkeys(counts, int))


def _summary(jobs: Sequence[JobCost]) -> dict[str, float]:
    table = pd.DataFrame(jobs, columns=["wall", "cpu", "memory"], dtype=float)
    return {
        "jobs": len(table),
        "wall_hours": table["wall"].sum(min_count=1) / 3600,
        "cpu_hours": table["cpu"].sum(min_count=1) / 3600,
        "memory_gib": table["memory"].max() / 1024,
        "unknown": int(table["cpu"].isna().sum()),  # a job has all three or none
    }


def _teacher_steps(path: str | Path) -> int:
    """Control steps that a teacher learned from, without those that measure it."""
    return read_teacher_header(Path(path)).steps[-1]


def _store_steps(path: str | Path) -> int:
    with open_store(path) as file:
        return sum(
            get_integer(
                group, "steps", f"{path}:task_{task}", "run `trajprompt collect` again"
            )
            for task, group in task_groups(file, path).items()
        )


def _tuning_steps(path: str | Path) -> int:
    """Simulator steps of all rows of an adaptation; reads only its history."""
    with open_adaptation(path) as file:
        check_history(file, path)
        names = ("task", "prompt", "simulator_steps")
        history = pd.DataFrame({name: file[f"history/{name}"][:] for name in names})
    return int(history.groupby(["task", "prompt"])["simulator_steps"].max().sum())


def _evaluation_steps(path: str | Path) -> int:
    """Simulator steps of the episodes; checkpoints with equal prompts share episodes."""
    table = read_evaluation(path)
    names = ["suite", "condition", "method", "seed", "task", "prompt", "episode", "return"]
    return int(table.drop_duplicates(names)["length"].sum())
