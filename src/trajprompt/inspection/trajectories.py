"""What a trajectory store holds: returns of every task, and how they grew."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from trajprompt.errors import TrajpromptError
from trajprompt.inspection import hdf5, text
from trajprompt.trajectories.store import check_headers

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
    names = sorted((n for n in file if n.startswith("task_")), key=lambda n: int(n[5:]))
    if task is not None and f"task_{task}" not in names:
        held = ", ".join(name[5:] for name in names)
        raise TrajpromptError(path, f"no task {task}", f"one of {held}")
    return [
        _read(file[name], f"{path}:{name}")
        for name in names
        if task in (None, int(name[5:]))
    ]


def _read(group: "h5py.Group", where: str) -> TaskReturns:
    check_headers(group, where)
    rewards, ends = group["rewards"][:].astype(np.float64), group["episode_ends"][:]
    lengths = np.diff(ends, prepend=0)
    if len(ends) == 0 or ends[-1] != len(rewards) or lengths.min() <= 0:
        expected = f"increasing, the last one {len(rewards)}"
        raise TrajpromptError(f"{where}/episode_ends", "ends do not fit", expected)
    returns = np.add.reduceat(rewards, ends - lengths)
    goal = np.atleast_1d(group.attrs["goal"]).tolist()
    step = group["behaviour_step"][:]
    return TaskReturns(int(group.attrs["task"]), goal, returns, lengths, step)


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
        sections.append(text.section("learning curve", _curve(file["learning_curve"])))
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


def _curve(dataset: "h5py.Dataset") -> list[str]:
    columns = json.loads(dataset.attrs["columns"])
    chosen = np.unique(np.linspace(0, len(dataset) - 1, CURVE_ROWS).round().astype(int))
    values = dataset[chosen]
    if len(columns) != values.shape[1]:
        return [f"{values.shape[1]} columns, but {len(columns)} names"]
    return text.table(columns, values.tolist())
