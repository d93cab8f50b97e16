"""What a run cost: time, memory and simulator steps of every stage."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from trajprompt.adaptations.layout import check_history, open_adaptation
from trajprompt.artifacts.hdf5_attributes import get_integer
from trajprompt.report.read.cells import read_evaluation
from trajprompt.report.read.jobs import Used, used_by
from trajprompt.trajectories.layout import task_groups
from trajprompt.trajectories.store import open_store

TOTAL = "all stages"


@dataclass(frozen=True)
class RunFiles:
    """What a run made: one file per job. Files of no job of the run are not counted."""

    stores: Sequence[str | Path] = ()
    pretraining: Sequence[str | Path] = ()  # curves or backbones
    adaptations: Sequence[str | Path] = ()
    evaluations: Sequence[str | Path] = ()
    random_policies: Sequence[str | Path] = ()  # played in the same stage


def compute_table(made: RunFiles) -> pd.DataFrame:
    """One row per stage: jobs, summed wall and CPU hours, largest memory, simulator steps.

    Jobs run side by side, so that the sum of their wall times exceeds the time one waits.
    Sums and maxima are over the jobs that were measured, NaN if none was; ``unknown``
    counts the others, such as jobs that were resumed.
    """
    played = [*made.evaluations, *made.random_policies]
    stages = {
        "1_collect": (made.stores, sum(map(_store_steps, made.stores))),
        "2_pretrain": (made.pretraining, 0),
        "3_tune": (made.adaptations, sum(map(_tuning_steps, made.adaptations))),
        "4_evaluate": (played, sum(map(_evaluation_steps, played))),
    }
    rows = []
    for stage, (paths, steps) in stages.items():
        rows.append(
            {"stage": stage, **_summary([*map(used_by, paths)]), "simulator_steps": steps}
        )
    table = pd.DataFrame(rows)
    total = table.drop(columns=["stage", "memory_gib"]).sum(min_count=1)
    row = {"stage": TOTAL, **total, "memory_gib": table["memory_gib"].max()}
    table = pd.concat([table, pd.DataFrame([row])], ignore_index=True)
    whole = ("jobs", "unknown", "simulator_steps")
    return table.astype(dict.fromkeys(whole, int))


def _summary(jobs: Sequence[Used]) -> dict[str, float]:
    table = pd.DataFrame(jobs, columns=["wall", "cpu", "memory"], dtype=float)
    return {
        "jobs": len(table),
        "wall_hours": table["wall"].sum(min_count=1) / 3600,
        "cpu_hours": table["cpu"].sum(min_count=1) / 3600,
        "memory_gib": table["memory"].max() / 1024,
        "unknown": int(table["cpu"].isna().sum()),  # of a job, all three or nothing
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
    played = ["suite", "condition", "method", "seed", "task", "prompt", "episode", "return"]
    return int(table.drop_duplicates(played)["length"].sum())
