"""What a trajectory store holds: returns of every task, and how they grew."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from trajprompt.errors import TrajpromptError
from trajprompt.inspection import hdf5, text
from trajprompt.trajectories.layout import (
    check_headers,
    read_goal,
    read_learning_curve,
    task_groups,
)

if TYPE_CHECKING:
    import h5py

# The share of episodes at the start, middle and end whose mean return the table shows.
PART = 0.1
CURVE_ROWS = 10


class TaskReturns(NamedTuple):
    task: int
    goal: list[float]
    returns: np.ndarray  # (E,) float64
    lengths: np.ndarray  # (E,)
    behaviour_step: np.ndarray  # (E,)


def read_returns(file: "h5py.File", path: Path, task: int | None) -> list[TaskReturns]:
    """Returns per episode of one task or all, without reading the observations."""
    groups = task_groups(file, path)
    if task not in groups and (task is not None or not groups):
        found = f"no task {'' if task is None else task}".rstrip()
        raise TrajpromptError(path, found, f"one of {', '.join(map(str, groups))}")
    return [
        _read(group, f"{path}:task_{own}", own)
        for own, group in groups.items()
        if task in (None, own)
    ]


def _read(group: "h5py.Group", where: str, task: int) -> TaskReturns:
    check_headers(group, where)
    rewards, ends = group["rewards"][:].astype(np.float64), group["episode_ends"][:]
    lengths = np.diff(ends, prepend=0)
    if len(ends) == 0 or ends[-1] != len(rewards) or lengths.min() <= 0:
        expected = f"increasing, the last one {len(rewards)}"
        raise TrajpromptError(f"{where}/episode_ends", "ends do not fit", expected)
    if not np.isfinite(rewards).all():
        raise TrajpromptError(f"{where}/rewards", "values not finite", "numbers")
    returns = np.add.reduceat(rewards, ends - lengths)
    goal, step = read_goal(group, where).tolist(), group["behaviour_step"][:]
    return TaskReturns(task, goal, returns, lengths, step)


def describe(file: "h5py.File", path: Path, task: int | None) -> list[str]:
    """The sections that ``trajprompt inspect`` prints for a store."""
    tasks = read_returns(file, path, task)
    shown: h5py.Group = file if task is None else file[f"task_{task}"]
    first = file[f"task_{tasks[0].task}"]
    sections = [
        text.section("attributes", text.attributes(hdf5.plain_attributes(file))),
        text.section("tree", hdf5.tree(shown)),
        text.section(
            f"attributes of task_{tasks[0].task}",
            text.attributes(hdf5.plain_attributes(first)),
        ),
        text.section("episode returns (sum of rewards)", _return_table(tasks)),
    ]
    if "learning_curve" in file and task is None:
        sections.append(text.section("learning curve", _curve(file, path)))
    every = np.concatenate([one.returns for one in tasks])
    title = f"histogram of {len(every):,} episode returns"
    return [*sections, text.section(title, text.histogram(every))]


def _return_table(tasks: list[TaskReturns]) -> list[str]:
    header = (
        "task",
        "goal",
        "episodes",
        "steps",
        *text.STATISTICS,
        "first",
        "middle",
        "last",
    )
    rows = [
        (
            one.task,
            " ".join(f"{value:.4g}" for value in one.goal),
            len(one.returns),
            int(one.lengths.sum()),
            *text.statistics(one.returns),
            *_progress(one.returns),
        )
        for one in tasks
    ]
    note = (
        f"first, middle, last: mean of {PART:.0%} of the episodes, in order of collection"
    )
    return [*text.table(header, rows), note]


def _progress(returns: np.ndarray) -> list[float]:
    """Mean return of the first, middle and last tenth of the episodes."""
    part = max(1, round(PART * len(returns)))
    spare = len(returns) - part
    return [float(returns[at : at + part].mean()) for at in (0, spare // 2, spare)]


def _curve(file: "h5py.File", path: Path) -> list[str]:
    columns, values = read_learning_curve(file, path)
    chosen = np.unique(np.linspace(0, len(values) - 1, CURVE_ROWS).round().astype(int))
    return text.table([text.printable(name) for name in columns], values[chosen].tolist())
