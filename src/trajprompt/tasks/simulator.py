"""Interface of batched simulators: N rows (task x episode) stepped together."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from trajprompt.errors import TrajpromptError
from trajprompt.tasks.suites import Suite


class Step(NamedTuple):
    """Results of one control step of all rows."""

    observations: np.ndarray  # (N, S) float32
    rewards: np.ndarray  # (N,) float64
    terminations: np.ndarray  # (N,) bool
    successes: np.ndarray  # (N,) bool


class Simulator(ABC):
    """N rows in lockstep; row i plays task ``tasks[i]`` of ``suite``.

    The caller stops at the horizon. A terminated row is not stepped, and its rewards are 0,
    until it is reset.
    """

    arrays: tuple[str, ...]  # attributes that one step passes to the next

    def __init__(self, suite: Suite, tasks: np.ndarray, threads: int = 1):
        self.suite, self.threads = suite, threads  # some ignore threads
        self.tasks = _checked_tasks(suite, tasks)

    @abstractmethod
    def reset(self, seeds: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        """Reset all rows, or those of the mask ``rows`` (N,); row i uses ``seeds[i]``.

        Return the current observations of all rows, (N, S) float32. Seeds work as in
        Gymnasium's ``reset(seed=...)``; suites with deterministic resets ignore them.
        """

    @abstractmethod
    def step(self, actions: np.ndarray) -> Step:
        """Apply ``actions`` (N, A) for one control step."""

    def state(self) -> dict[str, np.ndarray]:
        """All arrays that later steps depend on; valid until the next step."""
        return {name: getattr(self, name) for name in self.arrays}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Restore a state: later steps give the same bits as those after `state`."""
        for name in self.arrays:
            getattr(self, name)[:] = state[name]  # in place: rows hold views

    @property
    def rows(self) -> int:
        return len(self.tasks)


def _checked_tasks(suite: Suite, tasks: np.ndarray) -> np.ndarray:
    tasks = np.asarray(tasks, dtype=np.int64)
    count = len(suite.goals)
    if tasks.ndim != 1 or len(tasks) == 0:
        found = f"found tasks of shape {tasks.shape}"
        expected = "shape (rows,), with at least one row"
        raise TrajpromptError(suite.name, found, expected, "pass one task per row")
    wrong = tasks[(tasks < 0) | (tasks >= count)]
    if len(wrong):
        found, expected = f"found task {wrong[0]}", f"a task from 0 to {count - 1}"
        raise TrajpromptError(suite.name, found, expected, "choose a task of this suite")
    return tasks
