"""Learning curves of the collecting agents and of the backbones."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from trajprompt.collect.teacher_header import read_teacher_header
from trajprompt.errors import TrajpromptError
from trajprompt.report.read.baselines import store_suite
from trajprompt.report.read.offline_curves import read_learning
from trajprompt.report.read.tables import read_table
from trajprompt.tasks.d4rl import ENVIRONMENTS
from trajprompt.tasks.registry import SUITE_NAMES, get_suite
from trajprompt.trajectories.layout import read_learning_curve, task_groups
from trajprompt.trajectories.store import open_store, open_tasks

PRETRAIN, TEACH = "trajprompt pretrain", "trajprompt teach"
STEPS, MEAN = "environment_steps_per_task", "mean_return"
WORST, BEST = "worst_task_return", "best_task_return"
TASKS = "tasks"  # number of tasks of the store


def collection_table(stores: Sequence[str | Path]) -> pd.DataFrame:
    """Learning curves in the trajectory stores, one row per suite and point.

    D4RL suites are left out: their data are of a teacher's policies (`teacher_table`).
    """
    tables = []
    for path in stores:
        suite = store_suite(path)
        if suite in SUITE_NAMES and get_suite(suite).environment:
            continue
        with open_store(path) as file:
            columns, values = read_learning_curve(file, path)
            tasks = len(task_groups(file, path))
        missing = {STEPS, MEAN, WORST, BEST} - set(columns)
        if missing:
            where = f"{path}:learning_curve"
            found, expected = f"found columns {columns}", f"also {sorted(missing)}"
            raise TrajpromptError(where, found, expected, "run `trajprompt collect`")
        curve = pd.DataFrame(values, columns=columns)
        tables.append(curve.assign(suite=suite, **{TASKS: tasks}))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def teacher_table(policies: Sequence[str | Path]) -> pd.DataFrame:
    """Snapshots of teachers; ``level`` names the levels that are made from one."""
    tables = []
    for path in map(Path, policies):
        header = read_teacher_header(path)
        if header.environment not in ENVIRONMENTS:
            found = f"found environment {header.environment!r:.80}"
            expected = f"one of {', '.join(ENVIRONMENTS)}"
            raise TrajpromptError(path, found, expected, f"run `{TEACH}`")
        rows = pd.DataFrame({"steps": header.steps, "return": header.mean_returns})
        shown = get_suite(f"{header.environment}-medium").shown
        rows["score"] = shown(np.array(header.mean_returns))
        rows["mean_action_score"] = shown(np.array(header.mean_action_returns))
        rows.insert(0, "environment", header.environment)
        levels = {"random": 0, "medium": header.medium, "expert": header.expert}
        rows["level"] = [
            ", ".join(name for name, at in levels.items() if at == number)
            for number in rows.index
        ]
        tables.append(rows)
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


def offline_table(
    curves: Sequence[str | Path], stores: Sequence[str | Path] = ()
) -> pd.DataFrame:
    """Scores of offline algorithms by update; empty if no curve has scores.

    ``data`` is the mean score of the suite's data, if its store is given.
    """
    means = {}
    for path in stores:
        suite = store_suite(path)
        if suite in SUITE_NAMES and get_suite(suite).score_range is not None:
            (task,) = open_tasks(path, [0]).values()
            means[suite] = float(get_suite(suite).shown(task.returns.mean()))
    tables = [
        table.assign(suite=suite, algorithm=algorithm, data=means.get(suite, np.nan))
        for (suite, algorithm), table in read_learning(curves).items()
        if "score" in table
    ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def losses(table: pd.DataFrame) -> list[str]:
    """Loss columns of a pretraining curve, training before validation."""
    return sorted(name for name in table.columns if name.endswith("loss"))
