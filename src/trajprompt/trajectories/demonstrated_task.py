"""A task whose demonstrations are in another store than its data.

Prompt-Tuning DT on D4RL (section 5.3) trains on medium data and draws its prompts and the
samples of tuning from expert data.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np

from trajprompt.errors import TrajpromptError
from trajprompt.tasks.registry import get_suite
from trajprompt.trajectories.episodes import TaskEpisodes, TaskTrajectories
from trajprompt.trajectories.store import open_tasks


@dataclass(frozen=True)
class DemonstratedTask(TaskEpisodes):
    """Episodes of ``data``; every quality level is one of ``experts``."""

    data: TaskEpisodes
    experts: TaskEpisodes

    @property
    def task(self) -> int:  # type: ignore[override]
        return self.data.task

    @property
    def episode_ends(self) -> np.ndarray:  # type: ignore[override]
        return self.data.episode_ends

    @property
    def dimensions(self) -> tuple[int, int]:
        return self.data.dimensions

    @property
    def returns(self) -> np.ndarray:
        return self.data.returns

    def select(self, episodes: Sequence[int] | np.ndarray) -> Self:
        return self.data.select(episodes)  # type: ignore[return-value]

    def read(self) -> TaskTrajectories:
        return self.data.read()

    def quality(self, level: str, episodes: int) -> Self:
        return self.experts.quality(level, episodes)  # type: ignore[return-value]

    def pool(self, level: str, trajectories: int) -> Self:
        return self.experts.pool(level, trajectories)  # type: ignore[return-value]

    def demonstrations(self, level: str, episodes: int, trajectories: int) -> Self:
        found = self.experts.demonstrations(level, episodes, trajectories)
        return found  # type: ignore[return-value]


class Stores(NamedTuple):
    """Files of a suite's trajectories."""

    data: Path
    demonstrations: Path | None = None  # of another suite, in place of its own

    @property
    def files(self) -> list[Path]:
        return [path for path in self if path is not None]


def open_stores(
    stores: Stores, tasks: Sequence[int], suite: str, demonstrations_from: str = ""
) -> dict[int, TaskEpisodes]:
    """Open ``tasks`` of a suite, with the demonstrations of another suite if it names one.

    Raises TrajpromptError as `store.open_tasks`, and if only one of the store with
    demonstrations and the name of its suite is given.
    """
    own = open_tasks(stores.data, tasks, get_suite(suite))
    if (stores.demonstrations is None) != (not demonstrations_from):
        found = f"found {stores.demonstrations or 'no file'}"
        expected = f"trajectories of {demonstrations_from or 'no other suite'}"
        remedy = "give the file that the settings' demonstrations_from names"
        raise TrajpromptError("--demonstrations", found, expected, remedy)
    if stores.demonstrations is None:
        return dict(own)
    experts = open_tasks(stores.demonstrations, tasks, get_suite(demonstrations_from))
    return {number: DemonstratedTask(task, experts[number]) for number, task in own.items()}
