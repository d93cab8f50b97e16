"""Reference returns: first and expert episodes of the data, and random actions."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trajprompt.errors import TrajpromptError
from trajprompt.report.read.cells import as_shown, read_evaluation
from trajprompt.settings.parsing import json_object
from trajprompt.settings.stages import RANDOM_POLICY
from trajprompt.tasks.registry import SUITE_NAMES, get_suite
from trajprompt.tasks.suites import Suite
from trajprompt.trajectories.store import open_tasks, read_attributes

MADE_BY = f"trajprompt {RANDOM_POLICY}"
COLLECT = "run `trajprompt collect`"


@dataclass(frozen=True)
class Teacher:
    """Mean returns of the first and last collected episodes of a suite's test tasks.

    On D4RL suites returns are scores; ``first`` is 0 and ``expert`` 100 by definition.
    """

    suite: str
    tasks: tuple[int, ...]
    first: np.ndarray  # (T,) mean return of the first episodes: the untrained collector
    expert: np.ndarray  # (T,) mean return of the last episodes
    episodes: int  # number of first, and of last, episodes per task; of `data` all
    data: np.ndarray | None = None  # (T,) mean score of all data, on D4RL suites

    @property
    def gap(self) -> float:
        """Expert gap: distance of the mean first and mean expert return over tasks."""
        return float(abs(self.expert.mean() - self.first.mean()))

    def gap_closed(self, returns: float) -> float:
        """Share of the expert gap that the mean return ``returns`` closes.

        0 is the mean first return over tasks, 1 the mean expert return. NaN if the expert
        mean does not exceed the first.
        """
        start, end = float(self.first.mean()), float(self.expert.mean())
        return (returns - start) / (end - start) if end > start else float("nan")


def read_teacher(path: str | Path, tasks: Sequence[int], raw: bool = False) -> Teacher:
    """Read the returns of the first and last episodes on ``tasks`` from a store.

    The number of episodes averaged is the collection setting ``quality_episodes``, or the
    smallest number of episodes of a task. Raises TrajpromptError without that setting.
    """
    attributes = read_attributes(path)
    settings = json_object(attributes.get("settings"), f"{path}: settings", COLLECT)
    wanted = settings.get("quality_episodes")
    if type(wanted) is not int or wanted < 1:
        found = "setting quality_episodes is missing or invalid"
        raise TrajpromptError(path, found, "a store that stage 1 made", COLLECT)
    name = str(attributes["suite"])
    if name in SUITE_NAMES and get_suite(name).score_range is not None:
        return _scored(path, get_suite(name), tasks, raw)
    stored = open_tasks(path, tasks)
    count = min(wanted, *(task.num_episodes for task in stored.values()))
    means = {
        level: np.array(
            [stored[t].quality(level, count).returns.mean() for t in sorted(stored)]
        )
        for level in ("random", "expert")
    }
    return Teacher(
        str(attributes["suite"]),
        tuple(sorted(stored)),
        means["random"],
        means["expert"],
        count,
    )


def _scored(path: str | Path, suite: Suite, tasks: Sequence[int], raw: bool) -> Teacher:
    """Scores, or raw returns, of a D4RL suite's data."""
    stored = open_tasks(path, tasks, suite)
    numbers = tuple(sorted(stored))
    returns = np.array([stored[task].returns.mean() for task in numbers])
    count = min(task.num_episodes for task in stored.values())
    ends = np.tile(np.array(suite.score_range)[:, None], len(numbers))
    if not raw:
        returns, ends = suite.shown(returns), suite.shown(ends)
    first, expert = ends
    return Teacher(suite.name, numbers, first, expert, count, returns)


def store_suite(path: str | Path) -> str:
    """Name of the suite that a trajectory store belongs to."""
    return str(read_attributes(path)["suite"])


@dataclass(frozen=True)
class RandomPlay:
    """Mean returns of uniformly random actions on the tasks of one suite."""

    path: Path
    suite: str
    means: dict[int, float]  # by task
    episodes: int  # per task

    def returns(self, tasks: Sequence[int]) -> np.ndarray:
        """Mean returns (T,) of ``tasks``; TrajpromptError if one is missing."""
        missing = [task for task in tasks if task not in self.means]
        if missing:
            found, expected = f"found tasks {sorted(self.means)}", f"also {missing}"
            raise TrajpromptError(self.path, found, expected, f"run `{MADE_BY}`")
        return np.array([self.means[task] for task in tasks])


def read_random_play(path: str | Path) -> RandomPlay:
    """Read the random-policy evaluations of one suite."""
    table = as_shown(read_evaluation(path, MADE_BY))
    cells = list(table.groupby(["suite", "method"]).groups)
    if len(cells) != 1 or cells[0][1] != RANDOM_POLICY:
        found = f"found episodes of (suite, method) {cells[:3]}"
        expected = f"one suite and method {RANDOM_POLICY}"
        raise TrajpromptError(path, found, expected, f"run `{MADE_BY}`")
    returns = table.groupby("task")["return"]
    means = {int(task): float(mean) for task, mean in returns.mean().items()}
    return RandomPlay(Path(path), cells[0][0], means, int(returns.count().min()))
