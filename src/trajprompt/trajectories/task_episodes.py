"""Episodes of one task: which of them are used, and in what parts they are read."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Self

import numpy as np

from trajprompt.errors import TrajpromptError

if TYPE_CHECKING:
    from trajprompt.trajectories.episodes import TaskTrajectories

QUALITIES = ("expert", "medium", "random")
REMEDY = "collect or import the trajectories again"
PART_ROWS = 1 << 16  # steps read at a time: about 7 MiB of 27 numbers


class TaskEpisodes(ABC):
    """E episodes of one task, N steps in total, in memory or in a store.

    Episode e is rows [starts[e], episode_ends[e]). Episodes are in the order of collection:
    the last ones come from the best policy.
    """

    task: int
    episode_ends: np.ndarray  # (E,) int64, exclusive; the last one is N

    @property
    def num_episodes(self) -> int:
        return len(self.episode_ends)

    @property
    def starts(self) -> np.ndarray:
        """First row of each episode, (E,) int64."""
        return np.concatenate([[0], self.episode_ends[:-1]]).astype(np.int64)

    @property
    def lengths(self) -> np.ndarray:
        """Number of control steps of each episode, (E,) int64."""
        return np.diff(self.episode_ends, prepend=0)

    @property
    @abstractmethod
    def dimensions(self) -> tuple[int, int]:
        """Numbers of state and action dimensions."""

    @property
    @abstractmethod
    def returns(self) -> np.ndarray:
        """Undiscounted sum of rewards of each episode, (E,) float64."""

    @abstractmethod
    def select(self, episodes: Sequence[int] | np.ndarray) -> Self:
        """The given episodes, in the given order."""

    @abstractmethod
    def read(self) -> "TaskTrajectories":
        """All episodes in memory."""

    def split(self) -> Iterator[Self]:
        """Consecutive episodes of about `PART_ROWS` steps, or one longer episode."""
        part = (self.episode_ends - 1) // PART_ROWS
        first = np.flatnonzero(np.diff(part)) + 1
        for episodes in np.split(np.arange(self.num_episodes), first):
            yield self.select(episodes)

    def quality(self, level: str, episodes: int) -> Self:
        """The last ("expert"), middle ("medium") or first ("random") episodes collected.

        The levels are defined in Prompt-Tuning DT, section 5.4. They overlap if the task
        has fewer than 3 x ``episodes``. Raises TrajpromptError if it has too few.
        """
        where = f"task {self.task}"
        if level not in QUALITIES:
            found, expected = f"found quality {level!r}", f"one of {', '.join(QUALITIES)}"
            raise TrajpromptError(where, found, expected, "choose one of these")
        if not 0 < episodes <= self.num_episodes:
            raise TrajpromptError(
                where,
                f"found {episodes} {level} episodes requested",
                f"1 to {self.num_episodes}, the number collected",
                "collect more, or lower demonstrations in the config",
            )
        spare = self.num_episodes - episodes
        first = {"expert": spare, "medium": spare // 2, "random": 0}[level]
        return self.select(np.arange(first, first + episodes))

    def last_fraction(self, fraction: float) -> Self:
        """The last ``fraction`` (0, 1] of the episodes, at least one."""
        if not 0.0 < fraction <= 1.0:
            where, found = f"task {self.task}", f"found data_fraction {fraction}"
            expected, remedy = "more than 0, at most 1", "correct it in the config"
            raise TrajpromptError(where, found, expected, remedy)
        count = max(1, math.ceil(fraction * self.num_episodes - 1e-9))
        return self.select(np.arange(self.num_episodes - count, self.num_episodes))


def check_ends(ends: np.ndarray, rows: int, where: str) -> None:
    """Raise TrajpromptError unless ``ends`` divide ``rows`` steps into episodes."""
    if len(ends) == 0 or ends[-1] != rows or np.any(np.diff(ends, prepend=0) <= 0):
        raise TrajpromptError(
            f"{where}/episode_ends",
            "ends do not fit the rewards",
            f"increasing ends, the last one {rows}, the number of steps",
            REMEDY,
        )


def check_finite(values: np.ndarray, where: str) -> None:
    """Raise TrajpromptError if a value is NaN or infinite."""
    bad = ~np.isfinite(values)
    if bad.any():
        found = f"found {int(bad.sum())} values that are not finite"
        raise TrajpromptError(where, found, "finite values", REMEDY)


def sums(rewards: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Sum of each episode's rewards, (E,) float64; ``starts`` are its first rows."""
    return np.add.reduceat(rewards.astype(np.float64), starts)
