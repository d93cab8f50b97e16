"""The trajectory store: one self-describing HDF5 file per suite, one group per task.

    /                    attributes: provenance, suite, dimensions
    /learning_curve      (rows, columns), optional
    /task_<index>/…      the arrays of TaskTrajectories; attributes: goal, returns, …

Equal content gives equal bytes: names are written in sorted order and without times.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from trajprompt.artifacts import atomic_path, require_file
from trajprompt.errors import TrajpromptError
from trajprompt.provenance import SCHEMA_VERSION
from trajprompt.trajectories.episodes import TaskTrajectories

if TYPE_CHECKING:
    import h5py

    from trajprompt.tasks.suites import Suite

__all__ = ["TaskTrajectories", "read_attributes", "read_trajectories", "write_trajectories"]

KIND = "trajectories"
REMEDY = "make it again with `trajprompt collect`"
# A file can hold at most this many times its own bytes: deflate's limit is 1032:1. A header
# that claims more is damaged, and is refused before memory is allocated for it.
LARGEST_COMPRESSION = 1100
# Rows per chunk: 4096 × 27 floats ≈ 0.4 MiB, under HDF5's default chunk cache of 1 MiB.
CHUNK_ROWS = 4096


class Column(NamedTuple):
    dtype: str
    dims: str  # N steps, E episodes, S state, A action
    description: str
    unit: str


COLUMNS = {
    "observations": Column("<f4", "NS", "state before each action", "suite-specific (SI)"),
    "actions": Column(
        "<f4", "NA", "action as the simulator received it", "1, within [-1, 1]"
    ),
    "rewards": Column("<f4", "N", "reward of each step", "reward"),
    "terminations": Column("|b1", "N", "the step ended its episode early", "bool"),
    "episode_ends": Column("<i8", "E", "row after each episode's last step", "row"),
    "final_observations": Column(
        "<f4", "ES", "state after each episode's last action", "suite-specific (SI)"
    ),
    "behaviour_step": Column(
        "<i8", "E", "steps of the task done when the episode was collected", "step"
    ),
}
# Attributes that the writer derives; the rest are the task's own.
DERIVED = frozenset(
    ("task", "goal", "goal_unit", "horizon", "dt", "episodes", "steps")
    + ("return_mean", "return_std", "return_min", "return_max")
)


def write_trajectories(
    path: str | Path,
    suite: "Suite",
    tasks: Sequence[TaskTrajectories],
    attributes: Mapping[str, str],
    learning_curve: np.ndarray | None = None,
    curve_columns: Sequence[str] = ("environment_steps_per_task", "mean_return"),
) -> None:
    """Write the store whole; ``learning_curve`` is (rows, columns)."""
    import h5py

    for task in tasks:
        task.check(f"task {task.task}")
        _check_suite(f"task {task.task}", suite, task)
    with atomic_path(path) as temporary, h5py.File(temporary, "w", libver="latest") as file:
        file.attrs.update(
            {"schema_version": str(SCHEMA_VERSION), **attributes, "kind": KIND}
        )
        file.attrs["suite"] = suite.name
        file.attrs["state_dim"] = suite.state_dim
        file.attrs["action_dim"] = suite.action_dim
        if learning_curve is not None:
            _write_curve(file, learning_curve, curve_columns)
        for task in sorted(tasks, key=lambda task: task.task):
            _write_task(file.create_group(f"task_{task.task}"), suite, task)


def _check_suite(where: str, suite: "Suite", task: TaskTrajectories) -> None:
    found = (task.observations.shape[1], task.actions.shape[1])
    expected = (suite.state_dim, suite.action_dim)
    if found != expected:
        raise TrajpromptError(
            where, f"state and action dims {found}", f"{expected} of {suite.name}"
        )
    if task.lengths.max() > suite.horizon:
        raise TrajpromptError(
            where, f"an episode of {task.lengths.max()} steps", f"at most {suite.horizon}"
        )


def _write_task(group: "h5py.Group", suite: "Suite", task: TaskTrajectories) -> None:
    returns = task.returns
    own = {name: value for name, value in task.attributes.items() if name not in DERIVED}
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
    for name, value in sorted({**own, **derived}.items()):
        group.attrs[name] = value
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
        compression="lzf",  # floats shrink by a tenth only; flags and indices by fifty
        fletcher32=True,  # so that a damaged byte is an error instead of a number
    )
    dataset.attrs["description"] = description
    dataset.attrs["unit"] = unit


def _write_curve(file: "h5py.File", curve: np.ndarray, columns: Sequence[str]) -> None:
    curve = np.asarray(curve, dtype=np.float64)
    if curve.ndim != 2 or curve.shape[1] != len(columns) or len(curve) == 0:
        raise TrajpromptError(
            "learning_curve", f"shape {curve.shape}", f"(rows, {columns})"
        )
    _write_dataset(file, "learning_curve", curve, "progress of collection", "see columns")
    file["learning_curve"].attrs["columns"] = json.dumps(list(columns))


def read_attributes(path: str | Path) -> dict[str, Any]:
    """The attributes of a whole store: provenance, suite, dimensions."""
    with _open(path) as file:
        return {name: _plain(value) for name, value in sorted(file.attrs.items())}


def read_trajectories(
    path: str | Path, tasks: Sequence[int] | None = None, suite: "Suite | None" = None
) -> dict[int, TaskTrajectories]:
    """The given tasks (default: all) of a store, by task index.

    Raises TrajpromptError naming the file for a missing, damaged or foreign one, for a task
    that it does not hold, and, if ``suite`` is given, for another suite's.
    """
    with _open(path) as file:
        if suite is not None and file.attrs["suite"] != suite.name:
            raise TrajpromptError(path, f"suite {file.attrs['suite']}", suite.name)
        held = sorted(int(name[5:]) for name in file if name.startswith("task_"))
        missing = sorted(set(held if tasks is None else tasks) - set(held))
        if missing or not held:
            raise TrajpromptError(path, f"tasks {held}", f"also {missing or 'one'}", REMEDY)
        return {
            task: _read_task(file[f"task_{task}"], f"{path}:task_{task}", task)
            for task in (held if tasks is None else tasks)
        }


@contextmanager
def _open(path: str | Path) -> Iterator["h5py.File"]:
    """The open store; whatever HDF5 dislikes becomes a TrajpromptError naming the file."""
    import h5py

    require_file(path, "trajprompt collect")
    try:
        with h5py.File(path, "r") as file:
            kind = file.attrs.get("kind")
            if kind != KIND:
                raise TrajpromptError(path, f"an HDF5 file of kind {kind}", KIND, REMEDY)
            version = file.attrs.get("schema_version")
            if version != str(SCHEMA_VERSION):
                raise TrajpromptError(
                    path, f"schema version {version}", str(SCHEMA_VERSION), REMEDY
                )
            yield file
    except (OSError, KeyError, RuntimeError, ValueError) as error:
        raise TrajpromptError(
            path, f"damaged or not HDF5 ({error})", "a whole trajectory store", REMEDY
        ) from error


def _read_task(group: "h5py.Group", where: str, task: int) -> TaskTrajectories:
    check_headers(group, where)
    own = {n: _plain(v) for n, v in sorted(group.attrs.items()) if n not in DERIVED}
    arrays = {name: group[name][...] for name in COLUMNS}
    goal = np.asarray(group.attrs["goal"], dtype=np.float64)
    found = TaskTrajectories(task=task, goal=goal, **arrays, attributes=own)
    found.check(where)
    return found


def check_headers(group: "h5py.Group", where: str) -> None:
    """Raise unless a task's datasets have the layout, before any of them is read."""
    sizes: dict[str, int] = {}
    for name, column in COLUMNS.items():
        _check_header(group, name, column, sizes, where)


def _check_header(
    group: "h5py.Group", name: str, column: Column, sizes: dict[str, int], where: str
) -> None:
    """Presence, type, shape and plausible size of one dataset."""
    dataset = group.get(name)
    shape = getattr(dataset, "shape", None)
    if dataset is None or shape is None:
        raise TrajpromptError(
            f"{where}/{name}", "no such dataset", column.description, REMEDY
        )
    if dataset.dtype.str != column.dtype or len(shape) != len(column.dims):
        found = f"{dataset.dtype.str} {shape}"
        expected = f"{column.dtype} ({','.join(column.dims)})"
        raise TrajpromptError(f"{where}/{name}", found, expected, REMEDY)
    for dim, size in zip(column.dims, shape, strict=True):
        if sizes.setdefault(dim, size) != size:
            expected = f"{sizes[dim]} for {dim}, as in the datasets before it"
            raise TrajpromptError(f"{where}/{name}", f"shape {shape}", expected, REMEDY)
    stored = dataset.id.get_storage_size()
    if dataset.nbytes > LARGEST_COMPRESSION * stored:
        found = f"{dataset.nbytes} bytes claimed, {stored} stored"
        raise TrajpromptError(f"{where}/{name}", found, "a whole dataset", REMEDY)


def _plain(value: Any) -> Any:
    """An HDF5 attribute as Python's own type."""
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
