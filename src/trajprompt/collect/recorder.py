"""Recorder of all steps of a collection: raw observations and true rewards."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from trajprompt.tasks.suites import Suite
from trajprompt.trajectories.episodes import TaskTrajectories

STEPWISE = ("observations", "actions", "rewards", "terminations")  # arrays (steps, N, ..)


class BufferRecorder:
    """Preallocated arrays of all control steps and rows, split into episodes at the end."""

    def __init__(self, suite: Suite, row_tasks: np.ndarray, steps: int):
        rows = len(row_tasks)
        self.suite, self.row_tasks, self.filled = suite, row_tasks, 0
        self.observations = np.empty((steps, rows, suite.state_dim), np.float32)
        self.actions = np.empty((steps, rows, suite.action_dim), np.float32)
        self.rewards = np.empty((steps, rows), np.float32)
        self.terminations = np.empty((steps, rows), bool)
        self._episodes: list[tuple[int, int, int]] = []  # (first step, end, row)
        self._finals: list[np.ndarray] = []
        self._starts = np.zeros(rows, np.int64)

    def add(
        self,
        observations: np.ndarray,
        actions: np.ndarray,
        rewards: np.ndarray,
        terminations: np.ndarray,
    ) -> None:
        """Store one control step of all rows."""
        now = self.filled
        self.observations[now], self.actions[now] = observations, actions
        self.rewards[now], self.terminations[now] = rewards, terminations
        self.filled += 1

    def close(self, rows: np.ndarray, final_observations: np.ndarray) -> None:
        """End the episodes of the mask ``rows`` (N,); observations are (N, S)."""
        for row in np.flatnonzero(rows).tolist():
            self._episodes.append((int(self._starts[row]), self.filled, row))
            self._finals.append(final_observations[row].copy())
            self._starts[row] = self.filled

    def state(self) -> dict[str, Any]:
        finals = np.array(self._finals, np.float32).reshape(-1, self.suite.state_dim)
        return {
            **{name: getattr(self, name)[: self.filled] for name in STEPWISE},
            "filled": self.filled,
            "episodes": np.array(self._episodes, np.int64).reshape(-1, 3),
            "finals": finals,
            "starts": self._starts,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.filled = state["filled"]
        for name in STEPWISE:
            getattr(self, name)[: self.filled] = state[name]
        self._episodes = [(a, b, row) for a, b, row in state["episodes"].tolist()]
        self._finals = list(state["finals"])
        self._starts[:] = state["starts"]

    def episodes_of(self, task: int) -> list[int]:
        """Indices of a task's closed episodes, in the order in which they ended."""
        has_task = self.row_tasks == task
        return [i for i, (_, _, row) in enumerate(self._episodes) if has_task[row]]

    def trajectories(self, task: int, attributes: dict[str, Any]) -> TaskTrajectories:
        """All complete episodes of one task, in the order in which they ended."""
        chosen = self.episodes_of(task)
        spans = [self._episodes[i] for i in chosen]
        steps = np.concatenate([np.arange(first, end) for first, end, _ in spans])
        rows = np.concatenate([np.full(end - first, row) for first, end, row in spans])
        rows_per_task = int((self.row_tasks == task).sum())
        return TaskTrajectories(
            task=task,
            goal=self.suite.goals[task],
            observations=self.observations[steps, rows],
            actions=self.actions[steps, rows],
            rewards=self.rewards[steps, rows],
            terminations=self.terminations[steps, rows],
            episode_ends=np.cumsum([end - first for first, end, _ in spans]),
            final_observations=np.stack([self._finals[i] for i in chosen]),
            behaviour_step=np.array([first for first, _, _ in spans]) * rows_per_task,
            attributes=attributes,
        )
