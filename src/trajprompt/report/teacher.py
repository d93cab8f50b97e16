"""What the data itself earned: what an imitator can hope for, and where it began."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trajprompt.errors import TrajpromptError
from trajprompt.settings.parsing import json_object
from trajprompt.trajectories.store import read_attributes, read_trajectories


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
