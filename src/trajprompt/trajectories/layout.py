"""Layout of a trajectory store, and its checks before any data are read."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from trajprompt.artifacts.hdf5_attributes import get_attribute, get_text
from trajprompt.errors import TrajpromptError

if TYPE_CHECKING:
    import h5py

KIND = "trajectories"
REMEDY = "make it again with `trajprompt collect` or `import`"
CURVE, TASK_NAME = "learning_curve", re.compile("task_(0|[1-9][0-9]{0,8})")
LARGEST_GOAL = 16  # components of a task's goal
# Attributes of a task that the writer computes; all others come from the task.
DERIVED = frozenset(
    ("task", "goal", "goal_unit", "horizon", "dt", "episodes", "steps")
    + ("return_mean", "return_std", "return_min", "return_max")
)


class Column(NamedTuple):
    """Expected type and shape of a dataset, and the attributes that describe it."""

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


def task_groups(file: "h5py.File", path: str | Path) -> dict[int, "h5py.Group"]:
    """The group of each task, by ascending index."""
    found = {}
    for name in file:
        if name == CURVE:
            continue
        if not TASK_NAME.fullmatch(name) or not hasattr(file[name], "keys"):
            raise TrajpromptError(
                f"{path}:{name}",
                "found an unexpected group or dataset",
                "only groups named task_<n>",
                REMEDY,
            )
        found[int(name[5:])] = file[name]
    return dict(sorted(found.items()))


def read_learning_curve(
    file: "h5py.File", path: str | Path
) -> tuple[list[str], np.ndarray]:
    """Column names and values (rows, columns) of a store's learning curve."""
    where = f"{path}:{CURVE}"
    if CURVE not in file or len(getattr(file[CURVE], "shape", ())) != 2:
        raise TrajpromptError(where, "found no table", "a learning curve", REMEDY)
    try:
        columns = json.loads(get_text(file[CURVE], "columns") or "null")
    except (ValueError, RecursionError):
        columns = None
    values = file[CURVE][...].astype(np.float64)
    named = isinstance(columns, list) and all(isinstance(name, str) for name in columns)
    if not named or len(set(columns)) != values.shape[1] or not len(values):
        expected = f"{values.shape[1]} columns of different names, at least one row"
        raise TrajpromptError(where, f"found columns {columns!r:.80}", expected, REMEDY)
    return columns, values


def read_goal(group: "h5py.Group", where: str) -> np.ndarray:
    """Goal (G,) float64 of a task."""
    goal = np.asarray(get_attribute(group, "goal"))
    numeric = goal.dtype.kind in "iuf" and 0 < goal.size <= LARGEST_GOAL
    if not numeric or goal.ndim > 1 or not np.isfinite(goal).all():
        expected = f"1 to {LARGEST_GOAL} finite numbers"
        found = f"found {goal!r:.80}"
        raise TrajpromptError(f"{where}: goal", found, expected, REMEDY)
    return np.atleast_1d(goal).astype(np.float64)


def check_headers(group: "h5py.Group", where: str) -> None:
    """Raise unless a task's datasets have the layout; their data are not read."""
    sizes: dict[str, int] = {}
    for name, column in COLUMNS.items():
        _check_header(group, name, column, sizes, where)


def _check_header(
    group: "h5py.Group", name: str, column: Column, sizes: dict[str, int], where: str
) -> None:
    """Check presence, type and shape of one dataset."""
    dataset = group.get(name)
    shape = getattr(dataset, "shape", None)
    if dataset is None or shape is None:
        raise TrajpromptError(
            f"{where}/{name}", "no such dataset", column.description, REMEDY
        )
    if dataset.dtype.str != column.dtype or len(shape) != len(column.dims):
        found = f"found type {dataset.dtype}, shape {shape}"
        expected = f"type {np.dtype(column.dtype)}, shape ({', '.join(column.dims)})"
        raise TrajpromptError(f"{where}/{name}", found, expected, REMEDY)
    for dim, size in zip(column.dims, shape, strict=True):
        if sizes.setdefault(dim, size) != size:
            expected = f"{sizes[dim]} for {dim}, as in the previous arrays"
            found = f"found shape {shape}"
            raise TrajpromptError(f"{where}/{name}", found, expected, REMEDY)


def plain(value: Any) -> Any:
    """Convert the value of an HDF5 attribute to a built-in type."""
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
