"""Episodes of one task: in memory as flat arrays, or as the common base of stored ones."""

import dataclasses
import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from trajprompt.errors import TrajpromptError
from trajprompt.trajectories.episode_checks import (
    REMEDY,
    check_ends,
    check_finite,
    sums,
)

QUALITIES = ("expert", "medium", "random")
# Attribute of imported episodes: what their final observations are.
FINAL_OBSERVATIONS = "final_observations_are"
REPEATED = "the last observation again: the source has no next_observations"
PART_ROWS = 1 << 16  # steps read at a time: about 7 MiB of 27 numbers


def level_episodes(level: str, episodes: int, available: int) -> np.ndarray:
    """Numbers of the last, middle or first ``episodes`` of those available."""
    spare = available - episodes
    first = {"expert": spare, "medium": spare // 2, "random": 0}[level]
    return np.arange(first, first + episodes)


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
        return self.select(level_episodes(level, episodes, self.num_episodes))

    def pool(self, level: str, trajectories: int) -> Self:
        """The last, middle or first ``trajectories`` collected, at most a third of all.

        This is the data of a level (Prompt-Tuning DT, section 5.4, with 256). Levels with
        at most a third of the episodes each never overlap.
        """
        return self.quality(level, max(1, min(trajectories, self.num_episodes // 3)))

    def demonstrations(self, level: str, episodes: int, trajectories: int) -> Self:
        """The ``episodes`` of a level from which its prompts are drawn.

        Section 5.4 samples them from the level's pool. Expert ones are those with the
        highest returns in the pool, like the authors' five; the last of equal ones. Medium
        and random ones are spread evenly over it, the first included. A pool that is too
        small is not used. Episodes stay in the order of collection.
        """
        pool = self.pool(level, trajectories)
        if pool.num_episodes < episodes:
            return self.quality(level, episodes)
        if level == "expert":
            chosen = np.sort(np.argsort(pool.returns, kind="stable")[-episodes:])
        else:
            spread = np.linspace(0, pool.num_episodes - 1, episodes)
            chosen = spread.round().astype(np.int64)
        return pool.select(chosen)

    def last_fraction(self, fraction: float) -> Self:
        """The last ``fraction`` (0, 1] of the episodes, at least one."""
        if not 0.0 < fraction <= 1.0:
            where, found = f"task {self.task}", f"found data_fraction {fraction}"
            expected, remedy = "more than 0, at most 1", "correct it in the config"
            raise TrajpromptError(where, found, expected, remedy)
        count = max(1, math.ceil(fraction * self.num_episodes - 1e-9))
        return self.select(np.arange(self.num_episodes - count, self.num_episodes))


@dataclass(frozen=True)
class TaskTrajectories(TaskEpisodes):
    """E episodes of one task, N steps in total, as arrays; see `TaskEpisodes`."""

    task: int
    goal: np.ndarray  # (G,) float64
    observations: np.ndarray  # (N, S) float32, before each action
    actions: np.ndarray  # (N, A) float32
    rewards: np.ndarray  # (N,) float32
    terminations: np.ndarray  # (N,) bool: the step ended the episode before the horizon
    episode_ends: np.ndarray  # (E,) int64, exclusive; the last one is N
    final_observations: np.ndarray  # (E, S) float32, after each episode's last action
    behaviour_step: np.ndarray  # (E,) int64, environment steps done when collected
    attributes: Mapping[str, Any] = field(default_factory=dict)  # algorithm, seed, …

    @property
    def dimensions(self) -> tuple[int, int]:
        return self.observations.shape[1], self.actions.shape[1]

    @property
    def returns(self) -> np.ndarray:
        return sums(self.rewards, self.starts) if self.num_episodes else np.zeros(0)

    def read(self) -> "TaskTrajectories":
        return self

    def select(self, episodes: Sequence[int] | np.ndarray) -> Self:
        chosen = np.asarray(episodes, dtype=np.int64)
        lengths = self.lengths[chosen]
        ends = np.cumsum(lengths)
        shift = np.repeat(self.starts[chosen] - (ends - lengths), lengths)
        rows = np.arange(len(shift)) + shift  # (n,) row of each kept step
        return dataclasses.replace(
            self,
            observations=self.observations[rows],
            actions=self.actions[rows],
            rewards=self.rewards[rows],
            terminations=self.terminations[rows],
            episode_ends=ends,
            final_observations=self.final_observations[chosen],
            behaviour_step=self.behaviour_step[chosen],
        )

    def check(self, where: str) -> None:
        """Raise TrajpromptError unless shapes and ends fit and all values are finite."""
        rows, ends = len(self.rewards), self.episode_ends
        states = self.observations.shape[-1]
        expected = {
            "observations": (rows, states),
            "actions": (rows, self.actions.shape[-1]),
            "rewards": (rows,),
            "terminations": (rows,),
            "episode_ends": (len(ends),),
            "final_observations": (len(ends), states),
            "behaviour_step": (len(ends),),
        }
        for name, shape in expected.items():
            found = getattr(self, name).shape
            if found != shape:
                text, expected_shape = f"found shape {found}", f"shape {shape}"
                raise TrajpromptError(f"{where}/{name}", text, expected_shape, REMEDY)
        check_ends(ends, rows, where)
        for name in ("observations", "actions", "rewards", "final_observations"):
            check_finite(getattr(self, name), f"{where}/{name}")
