"""The batched simulator: N rows (task x episode) stepped together."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from trajprompt.errors import TrajpromptError
from trajprompt.tasks.suites import Suite


class Step(NamedTuple):
    """What one control step of all rows gave."""

    observations: np.ndarray  # (N, S) float32
    rewards: np.ndarray  # (N,) float64
    terminations: np.ndarray  # (N,) bool
    successes: np.ndarray  # (N,) bool


class Simulator(ABC):
    """N rows in lockstep; row i plays task ``tasks[i]`` of ``suite``.

    The horizon is the caller's business. A terminated row stays where it is (it is not
    stepped, its rewards are 0) until it is reset.
    """

    arrays: tuple[str, ...]  # names of the arrays that one step leaves to the next

    def __init__(self, suite: Suite, tasks: np.ndarray, threads: int = 1):
        self.suite, self.threads = suite, threads  # threads: for those who can use them
        self.tasks = _checked_tasks(suite, tasks)

    @abstractmethod
    def reset(self, seeds: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        """Reset all rows, or those of the mask ``rows`` (N,); row i uses ``seeds[i]``.

        Returns the current observations of all rows, (N, S) float32. The seed acts as in
        Gymnasium's ``reset(seed=...)``; suites with deterministic resets ignore it.
        """

    @abstractmethod
    def step(self, actions: np.ndarray) -> Step:
        """Apply ``actions`` (N, A) for one control step."""

    def state(self) -> dict[str, np.ndarray]:
        """All that the next steps depend on; good until the next step."""
        return {name: getattr(self, name) for name in self.arrays}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Steps from here on give the bits that they would have given after `state`."""
        for name in self.arrays:
            getattr(self, name)[:] = state[name]  # in place: rows hold views

    @property
    def rows(self) -> int:
        return len(self.tasks)


def _checked_tasks(suite: Suite, tasks: np.ndarray) -> np.ndarray:
    tasks = np.asarray(tasks, dtype=np.int64)
    known = len(suite.goals)
    if tasks.ndim != 1 or len(tasks) == 0:
        raise TrajpromptError(suite.name, f"tasks of shape {tasks.shape}", "shape (rows,)")
    wrong = tasks[(tasks < 0) | (tasks >= known)]
    if len(wrong):
        raise TrajpromptError(suite.name, f"task {wrong[0]}", f"a task in 0..{known - 1}")
    return tasks
