"""Description of a trajectory store: returns of every task, and their progress."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from trajprompt.artifacts.hdf5_attributes import get_text
from trajprompt.errors import TrajpromptError
from trajprompt.inspection import hdf5, text
from trajprompt.inspection.levels import level_table
from trajprompt.inspection.scores import score_section, scored_suite
from trajprompt.trajectories.layout import REMEDY, read_learning_curve, task_groups
from trajprompt.trajectories.stored_task import stored_task

if TYPE_CHECKING:
    import h5py

PART = 0.1  # share of the episodes at the start, middle and end that the table averages
CURVE_ROWS = 10  # shown of the learning curve


class TaskReturns(NamedTuple):
    task: int
    goal: list[float]
    returns: np.ndarray  # (E,) float64
    lengths: np.ndarray  # (E,)
    behaviour_step: np.ndarray  # (E,)
    terminated: np.ndarray  # (E,) bool


def read_returns(file: "h5py.File", path: Path, task: int | None) -> list[TaskReturns]:
    """Episode returns of one task, or of all tasks; observations are not read."""
    groups = task_groups(file, path)
    if task not in groups and (task is not None or not groups):
        found = f"no task {'' if task is None else task}".rstrip()
        expected = (
            f"one of {', '.join(map(str, groups))}" if groups else "at least one task"
        )
        remedy = "give one of these with --task" if groups else REMEDY
        raise TrajpromptError(path, found, expected, remedy)
    return [
        _read(group, f"{path}:task_{index}", index)
        for index, group in groups.items()
        if task in (None, index)
    ]


def _read(group: "h5py.Group", where: str, index: int) -> TaskReturns:
    task = stored_task(group, where, index)
    goal, step = task.goal.tolist(), task.behaviour_step
    ends = task.lengths, step, task.terminated
    return TaskReturns(index, goal, task.returns, *ends)


def describe(file: "h5py.File", path: Path, task: int | None) -> list[str]:
    """Sections that ``trajprompt inspect`` prints for a store."""
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
        text.section(
            "quality levels (returns of episodes)",
            level_table([(t.returns, t.lengths) for t in tasks]),
        ),
    ]
    suite = scored_suite(get_text(file, "suite"))
    if suite is not None:
        names = ("returns", "lengths", "terminated")
        columns = (np.concatenate([getattr(t, name) for t in tasks]) for name in names)
        sections.append(score_section(suite, *columns))
    if "learning_curve" in file and task is None:
        sections.append(text.section("learning curve", _curve(file, path)))
    returns = np.concatenate([one.returns for one in tasks])
    title = f"histogram of {len(returns):,} episode returns"
    return [*sections, text.section(title, text.histogram(returns))]


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
    last = len(returns) - part
    return [float(returns[at : at + part].mean()) for at in (0, last // 2, last)]


def _curve(file: "h5py.File", path: Path) -> list[str]:
    columns, values = read_learning_curve(file, path)
    chosen = np.unique(np.linspace(0, len(values) - 1, CURVE_ROWS).round().astype(int))
    return text.table([text.printable(name) for name in columns], values[chosen].tolist())
