"""Episodes of one task in a trajectory store, read when they are used."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from trajprompt.artifacts.hdf5_attributes import get_attributes
from trajprompt.artifacts.hdf5_checks import damage_refused
from trajprompt.trajectories.episode_checks import check_ends, check_finite, sums
from trajprompt.trajectories.episodes import TaskEpisodes, TaskTrajectories
from trajprompt.trajectories.layout import (
    COLUMNS,
    DERIVED,
    KIND,
    REMEDY,
    check_headers,
    plain,
    read_goal,
)

if TYPE_CHECKING:
    import h5py


@dataclass(frozen=True)
class StoredTask(TaskEpisodes):
    """Episodes of one task in a store; only the ends of episodes are in memory.

    The store's file stays open while ``group`` is used. Reading checks each byte that it
    reads, and raises TrajpromptError for a damaged one and for values that are not finite.
    """

    task: int
    goal: np.ndarray  # (G,) float64
    attributes: Mapping[str, Any]
    episode_ends: np.ndarray  # (E,) int64, of the chosen episodes without the others
    group: "h5py.Group"
    numbers: np.ndarray  # (E,) int64, of the chosen episodes in the file
    first_rows: np.ndarray  # (E,) int64, of the chosen episodes in the file
    where: str  # file and group, for errors

    @property
    def dimensions(self) -> tuple[int, int]:
        return self.group["observations"].shape[1], self.group["actions"].shape[1]

    @cached_property
    def returns(self) -> np.ndarray:
        """Undiscounted sum of rewards of each episode, (E,) float64; reads only rewards."""
        return np.concatenate([part._returns() for part in self.split()])

    @property
    def behaviour_step(self) -> np.ndarray:
        """Environment steps done when each episode was collected, (E,) int64."""
        return self._column("behaviour_step")

    @property
    def terminated(self) -> np.ndarray:
        """True for each episode whose last step is a termination, (E,) bool."""
        return self._column("terminations")[self.episode_ends - 1]

    def select(self, episodes: Sequence[int] | np.ndarray) -> Self:
        chosen = np.asarray(episodes, dtype=np.int64)
        return dataclasses.replace(
            self,
            episode_ends=np.cumsum(self.lengths[chosen]),
            numbers=self.numbers[chosen],
            first_rows=self.first_rows[chosen],
        )

    def read(self) -> TaskTrajectories:
        names = [name for name in COLUMNS if name != "episode_ends"]
        arrays = {name: self._column(name) for name in names}
        arrays["episode_ends"] = self.episode_ends
        found = TaskTrajectories(self.task, self.goal, **arrays, attributes=self.attributes)
        found.check(self.where)
        return found

    def _returns(self) -> np.ndarray:
        rewards = self._column("rewards")
        check_finite(rewards, f"{self.where}/rewards")
        return sums(rewards, self.starts)

    def _column(self, name: str) -> np.ndarray:
        """Values of the chosen episodes; adjacent episodes are read together."""
        dataset, column = self.group[name], COLUMNS[name]
        steps = column.dims.startswith("N")
        sources = self.first_rows if steps else self.numbers
        sizes = self.lengths if steps else np.ones_like(self.numbers)
        targets = np.cumsum(sizes) - sizes
        breaks = np.flatnonzero(sources[1:] != (sources + sizes)[:-1]) + 1
        found = np.empty((int(sizes.sum()), *dataset.shape[1:]), column.dtype)
        with damage_refused(self.where, KIND, REMEDY):
            for run in np.split(np.arange(len(sources)), breaks):
                count = int(sizes[run].sum())
                source, target = int(sources[run[0]]), int(targets[run[0]])
                here, there = slice(source, source + count), slice(target, target + count)
                dataset.read_direct(found, here, there)
        return found


def stored_task(group: "h5py.Group", where: str, task: int) -> StoredTask:
    """All episodes of one task; raises TrajpromptError unless its layout is valid."""
    check_headers(group, where)
    ends = group["episode_ends"][...]
    check_ends(ends, len(group["rewards"]), where)
    given = {n: plain(v) for n, v in get_attributes(group).items() if n not in DERIVED}
    goal = read_goal(group, where)
    starts = np.concatenate([[0], ends[:-1]])
    numbers = np.arange(len(ends))
    return StoredTask(task, goal, given, ends, group, numbers, starts, where)
