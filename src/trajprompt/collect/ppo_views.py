"""What PPO's policy sees of a simulator's rows, and how its actions reach the simulator."""

from typing import Protocol

import numpy as np

from trajprompt.tasks.suites import Suite


class View(Protocol):
    features: int  # of a row

    def observe(self, observations: np.ndarray) -> np.ndarray:
        """Features (N, F) of observations (N, S)."""

    def to_simulator(self, actions: np.ndarray) -> np.ndarray:
        """Actions (N, A) of the policy as the simulator's."""


class Unchanged:
    """All observations of a suite with one task."""

    def __init__(self, suite: Suite):
        self.features = suite.state_dim

    def observe(self, observations: np.ndarray) -> np.ndarray:
        return observations

    def to_simulator(self, actions: np.ndarray) -> np.ndarray:
        return actions


class GoalAsInput:
    """Visible observations, and the goal in standard deviations of the tasks' goals."""

    def __init__(self, suite: Suite, row_tasks: np.ndarray):
        shifted = suite.goals - suite.goals.mean(axis=0)
        scaled = shifted / (suite.goals.std(axis=0) + 1e-6)
        self.goals = scaled[row_tasks].astype(np.float32)  # (N, G)
        self.visible = suite.visible_dim
        self.features = self.visible + self.goals.shape[1]

    def observe(self, observations: np.ndarray) -> np.ndarray:
        return np.concatenate([observations[:, : self.visible], self.goals], axis=1)

    def to_simulator(self, actions: np.ndarray) -> np.ndarray:
        return actions


class Symmetric:
    """Rows transformed so that all have the same goal (`suites.Symmetry`)."""

    def __init__(self, suite: Suite, row_tasks: np.ndarray):
        assert suite.symmetry is not None
        self.symmetry = suite.symmetry(suite.goals[row_tasks])
        self.features = suite.state_dim

    def observe(self, observations: np.ndarray) -> np.ndarray:
        return self.symmetry.observe(observations)

    def to_simulator(self, actions: np.ndarray) -> np.ndarray:
        return self.symmetry.to_simulator(actions)


def shared_view(suite: Suite, row_tasks: np.ndarray) -> View:
    """The view of one policy that plays all tasks of ``row_tasks`` (N,)."""
    if suite.symmetry is not None:
        return Symmetric(suite, row_tasks)
    return GoalAsInput(suite, row_tasks)
