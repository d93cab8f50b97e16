"""The episodes of one task in memory, as flat arrays in the order of collection."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from trajprompt.errors import TrajpromptError
from trajprompt.trajectories.task_episodes import (
    REMEDY,
    TaskEpisodes,
    check_ends,
    check_finite,
    sums,
)


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
