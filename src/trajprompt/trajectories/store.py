"""The trajectory store: one self-describing HDF5 file per suite, one group per task.

    /                    attributes: provenance, suite, dimensions
    /learning_curve      (rows, columns), optional
    /task_<index>/…      the arrays of TaskTrajectories; attributes: goal, returns, …

Equal content gives equal bytes: names are written in sorted order and without times.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from trajprompt.artifacts.atomic import atomic_path, require_file
from trajprompt.artifacts.hdf5_attributes import get_attributes, get_text, write_attributes
from trajprompt.artifacts.hdf5_checks import damage_refused, open_checked, open_hdf5
from trajprompt.artifacts.provenance import SCHEMA_VERSION
from trajprompt.errors import TrajpromptError
from trajprompt.trajectories.episodes import TaskEpisodes, TaskTrajectories
from trajprompt.trajectories.layout import (
    COLUMNS,
    CURVE,
    DERIVED,
    KIND,
    REMEDY,
    plain,
    task_groups,
)
from trajprompt.trajectories.stored_task import StoredTask, stored_task

if TYPE_CHECKING:
    import h5py

    from trajprompt.tasks.suites import Suite

__all__ = [
    "TaskTrajectories",
    "open_tasks",
    "read_attributes",
    "read_trajectories",
    "write_trajectories",
]

# Rows per chunk: 4096 × 27 floats ≈ 0.4 MiB, under HDF5's default chunk cache of 1 MiB.
CHUNK_ROWS = 4096


class TaskSource(Protocol):
    """A task to write: in memory, in another store, or in files to import."""

    @property
    def task(self) -> int: ...

    def read(self) -> TaskTrajectories: ...


def write_trajectories(
    path: str | Path,
    suite: "Suite",
    tasks: Iterable[TaskSource],
    attributes: Mapping[str, str],
    learning_curve: np.ndarray | None = None,
    curve_columns: Sequence[str] = ("environment_steps_per_task", "mean_return"),
) -> None:
    """Write a store atomically; ``learning_curve`` is (rows, columns).

    Tasks are read and written one after the other. Raises TrajpromptError for episodes
    that do not fit the suite or are not finite.
    """
    import h5py

    with atomic_path(path) as temporary, h5py.File(temporary, "w", libver="latest") as file:
        names = {"kind": KIND, "suite": suite.name}
        dims = {"state_dim": suite.state_dim, "action_dim": suite.action_dim}
        version = {"schema_version": str(SCHEMA_VERSION)}
        write_attributes(file, {**version, **attributes, **names, **dims})
        if learning_curve is not None:
            _write_curve(file, learning_curve, curve_columns)
        for source in sorted(tasks, key=lambda source: source.task):
            name = f"task_{source.task}"
            _write_task(file.create_group(name), suite, source.read())


def _check_suite(where: str, suite: "Suite", task: TaskEpisodes) -> None:
    found, expected = task.dimensions, (suite.state_dim, suite.action_dim)
    if found != expected:
        sizes = f"found state and action dimensions {found}"
        remedy = f"give trajectories of {suite.name}, or change the suite"
        raise TrajpromptError(where, sizes, f"{expected}, as in {suite.name}", remedy)
    if task.lengths.max() > suite.horizon:
        steps = f"found an episode of {task.lengths.max()} steps"
        horizon = f"at most {suite.horizon} steps, the horizon of {suite.name}"
        remedy = f"give trajectories of {suite.name}, or change the suite"
        raise TrajpromptError(where, steps, horizon, remedy)


def _write_task(group: "h5py.Group", suite: "Suite", task: TaskTrajectories) -> None:
    task.check(f"task {task.task}")
    _check_suite(f"task {task.task}", suite, task)
    returns = task.returns
    given = {name: value for name, value in task.attributes.items() if name not in DERIVED}
    derived = {
        "task": task.task,
        "goal": np.asarray(task.goal, dtype=np.float64),
        "goal_unit": suite.goal_unit,
        "horizon": suite.horizon,
        "dt": suite.dt,
        "episodes": task.num_episodes,
        "steps": len(task.rewards),
        "return_mean": returns.mean(),
        "return_std": returns.std(),
        "return_min": returns.min(),
        "return_max": returns.max(),
    }
    write_attributes(group, dict(sorted({**given, **derived}.items())))
    for name, column in COLUMNS.items():
        values = np.ascontiguousarray(getattr(task, name), dtype=column.dtype)
        _write_dataset(group, name, values, column.description, column.unit)


def _write_dataset(
    group: "h5py.Group", name: str, values: np.ndarray, description: str, unit: str
) -> None:
    dataset = group.create_dataset(
        name,
        data=values,
        chunks=(min(CHUNK_ROWS, len(values)), *values.shape[1:]),
        shuffle=True,
        compression="lzf",  # floats shrink by a tenth, flags and indices 50-fold
        fletcher32=True,  # detects damaged bytes
    )
    write_attributes(dataset, {"description": description, "unit": unit})


def _write_curve(file: "h5py.File", curve: np.ndarray, columns: Sequence[str]) -> None:
    curve = np.asarray(curve, dtype=np.float64)
    if curve.ndim != 2 or curve.shape[1] != len(columns) or len(curve) == 0:
        found, expected = f"found shape {curve.shape}", f"shape (rows, {len(columns)})"
        remedy = "pass one value per column, and at least one row"
        raise TrajpromptError("learning_curve", found, expected, remedy)
    _write_dataset(file, CURVE, curve, "progress of collection", "see columns")
    write_attributes(file[CURVE], {"columns": json.dumps(list(columns))})


def read_attributes(path: str | Path) -> dict[str, Any]:
    """Attributes of a store: provenance, suite, dimensions."""
    with open_store(path) as file:
        return {name: plain(value) for name, value in get_attributes(file).items()}


def read_trajectories(
    path: str | Path, tasks: Sequence[int] | None = None, suite: "Suite | None" = None
) -> dict[int, TaskTrajectories]:
    """Read the given tasks (default: all) of a store into memory, by task index.

    Raises TrajpromptError as `open_tasks` does, and for damage anywhere in these tasks.
    """
    return {task: one.read() for task, one in open_tasks(path, tasks, suite).items()}


def open_tasks(
    path: str | Path, tasks: Sequence[int] | None = None, suite: "Suite | None" = None
) -> dict[int, StoredTask]:
    """The given tasks (default: all) of a store, by task index; their steps are not read.

    The file is closed when the last of these tasks is no longer used. Raises
    TrajpromptError if the file is missing, damaged or not a store, if it lacks one of
    ``tasks``, or if it is not of ``suite``.
    """
    file = open_checked(require_file(path, "trajprompt collect"), KIND, REMEDY)
    try:
        with damage_refused(path, KIND, REMEDY):
            return _stored_tasks(file, path, tasks, suite)
    except TrajpromptError:
        file.close()
        raise


def _stored_tasks(
    file: "h5py.File",
    path: str | Path,
    tasks: Sequence[int] | None,
    suite: "Suite | None",
) -> dict[int, StoredTask]:
    name = get_text(file, "suite")
    if name is None or (suite is not None and name != suite.name):
        expected = f"suite {suite.name}" if suite else "the name of a suite"
        remedy = "give the trajectories of this suite" if suite else REMEDY
        raise TrajpromptError(path, f"found suite {name}", expected, remedy)
    groups = task_groups(file, path)
    missing = sorted(set(tasks or ()) - set(groups))
    if missing or not groups:
        expected = f"also {missing}" if missing else "at least one"
        found = f"found tasks {list(groups)}"
        raise TrajpromptError(path, found, expected, REMEDY)
    opened = {}
    for task in groups if tasks is None else tasks:
        where = f"{path}:task_{task}"
        opened[task] = stored_task(groups[task], where, task)
        if suite is not None:
            _check_suite(where, suite, opened[task])
    return opened


def open_store(path: str | Path) -> "AbstractContextManager[h5py.File]":
    """Open the file of a store; see `hdf5_checks.open_hdf5`."""
    return open_hdf5(require_file(path, "trajprompt collect"), KIND, REMEDY)
