"""Returns that methods are measured against: the data's own, and random play's."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trajprompt.errors import TrajpromptError
from trajprompt.report.read.cells import read_evaluation
from trajprompt.settings.parsing import json_object
from trajprompt.settings.stages import RANDOM_POLICY
from trajprompt.trajectories.store import read_attributes, read_trajectories

MADE_BY = f"trajprompt {RANDOM_POLICY}"


@dataclass(frozen=True)
class Teacher:
    """Mean returns of the first and last collected episodes of a suite's test tasks."""

    suite: str
    tasks: tuple[int, ...]
    first: np.ndarray  # (T,) mean return of the first episodes: the untrained collector
    expert: np.ndarray  # (T,) mean return of the last episodes
    episodes: int  # how many first and last episodes per task

    @property
    def gap(self) -> float:
        """The distance from the first to the expert episodes, averaged over tasks."""
        return float(abs(self.expert.mean() - self.first.mean()))

    def gap_closed(self, returns: float) -> float:
        """The share of the way from the first to the expert episodes that ``returns`` went.

        Means are over tasks. NaN where the expert episodes earned no more than the first.
        """
        start, end = float(self.first.mean()), float(self.expert.mean())
        return (returns - start) / (end - start) if end > start else float("nan")


def read_teacher(path: str | Path, tasks: Sequence[int]) -> Teacher:
    """The teacher's returns on ``tasks``, from one trajectory store.

    As many episodes are averaged as the store's own quality check did
    (``quality_episodes`` of the collection's settings).
    """
    attributes = read_attributes(path)
    settings = json_object(attributes.get("settings"), f"{path}: settings")
    wanted = settings.get("quality_episodes")
    if type(wanted) is not int or wanted < 1:
        found = "no quality_episodes among the settings"
        raise TrajpromptError(path, found, "a store made by `collect`")
    held = read_trajectories(path, tasks)
    count = min(wanted, *(task.num_episodes for task in held.values()))
    means = {
        level: np.array(
            [held[t].quality(level, count).returns.mean() for t in sorted(held)]
        )
        for level in ("random", "expert")
    }
    return Teacher(
        str(attributes["suite"]),
        tuple(sorted(held)),
        means["random"],
        means["expert"],
        count,
    )


def store_suite(path: str | Path) -> str:
    """The suite that a trajectory store belongs to."""
    return str(read_attributes(path)["suite"])


@dataclass(frozen=True)
class RandomPlay:
    """Mean returns of one suite's tasks."""

    path: Path
    suite: str
    means: dict[int, float]  # by task
    episodes: int  # per task

    def returns(self, tasks: Sequence[int]) -> np.ndarray:
        """(T,) of ``tasks``."""
        missing = [task for task in tasks if task not in self.means]
        if missing:
            found, expected = f"tasks {sorted(self.means)}", f"also {missing}"
            raise TrajpromptError(self.path, found, expected, f"run `{MADE_BY}`")
        return np.array([self.means[task] for task in tasks])


def read_random_play(path: str | Path) -> RandomPlay:
    """From the file of one suite."""
    table = read_evaluation(path, MADE_BY)
    cells = list(table.groupby(["suite", "method"]).groups)
    if len(cells) != 1 or cells[0][1] != RANDOM_POLICY:
        found = f"episodes of (suite, method) {cells[:3]}"
        expected = f"one suite's, of {RANDOM_POLICY}"
        raise TrajpromptError(path, found, expected, f"run `{MADE_BY}`")
    returns = table.groupby("task")["return"]
    means = {int(task): float(mean) for task, mean in returns.mean().items()}
    return RandomPlay(Path(path), cells[0][0], means, int(returns.count().min()))
