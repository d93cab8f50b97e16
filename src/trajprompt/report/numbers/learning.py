"""Learning curves of the collecting agents and of the backbones."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from trajprompt.errors import TrajpromptError
from trajprompt.report.read.baselines import store_suite
from trajprompt.report.read.offline_curves import read_learning
from trajprompt.report.read.tables import read_table
from trajprompt.trajectories.layout import read_learning_curve, task_groups
from trajprompt.trajectories.store import open_store

PRETRAIN = "trajprompt pretrain"
STEPS, MEAN = "environment_steps_per_task", "mean_return"
WORST, BEST = "worst_task_return", "best_task_return"
TASKS = "tasks"  # number of tasks of the store


def collection_table(stores: Sequence[str | Path]) -> pd.DataFrame:
    """Learning curves in the trajectory stores, one row per suite and point."""
    tables = []
    for path in stores:
        with open_store(path) as file:
            columns, values = read_learning_curve(file, path)
            tasks = len(task_groups(file, path))
        missing = {STEPS, MEAN, WORST, BEST} - set(columns)
        if missing:
            where = f"{path}:learning_curve"
            found, expected = f"found columns {columns}", f"also {sorted(missing)}"
            raise TrajpromptError(where, found, expected, "run `trajprompt collect`")
        curve = pd.DataFrame(values, columns=columns)
        tables.append(curve.assign(suite=store_suite(path), **{TASKS: tasks}))
    return pd.concat(tables, ignore_index=True)


def pretraining_table(curves: Sequence[str | Path]) -> pd.DataFrame:
    """Pretraining curves; paths end in ``<suite>/<backbone>/seed<n>.csv``."""
    tables = []
    for path in map(Path, curves):
        table = read_table(path, PRETRAIN, ["step"], ["step"])
        if not losses(table):
            found = f"found columns {list(table.columns)[:20]}"
            expected = "step, and columns whose names end in loss"
            raise TrajpromptError(path, found, expected, f"run `{PRETRAIN}`")
        read_table(path, PRETRAIN, ["step"], nullable=losses(table))
        suite, backbone, seed = (
            path.parts[-3],
            path.parts[-2],
            path.stem.removeprefix("seed"),
        )
        tables.append(table.assign(suite=suite, backbone=backbone, seed=seed))
    return pd.concat(tables, ignore_index=True)


def offline_table(curves: Sequence[str | Path]) -> pd.DataFrame:
    """Scores of offline algorithms by update; empty if no curve has scores."""
    tables = [
        table.assign(suite=suite, algorithm=algorithm)
        for (suite, algorithm), table in read_learning(curves).items()
        if "score" in table
    ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def losses(table: pd.DataFrame) -> list[str]:
    """Loss columns of a pretraining curve, training before validation."""
    return sorted(name for name in table.columns if name.endswith("loss"))
