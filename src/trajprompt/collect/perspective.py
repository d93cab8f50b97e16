"""What an agent sees of a suite: its inputs, and the batches that it learns from.

A perspective turns observations of all rows into features that the replay buffer keeps,
features into network inputs for acting, and sampled transitions into a batch. One agent
per task uses `OwnTask`; goal_conditioned.py and canonical.py let one agent learn all tasks.
"""

from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from trajprompt.collect.replay import Batch
from trajprompt.tasks.suites import Suite


class Transition(NamedTuple):
    """One control step of all rows, as the loop saw it."""

    observations: np.ndarray  # (N, S)
    actions: np.ndarray  # (N, A)
    rewards: np.ndarray  # (N,)
    next_observations: np.ndarray  # (N, S)
    terminations: np.ndarray  # (N,)


class Perspective(Protocol):
    """How one agent, or a stack of agents, looks at N rows."""

    stack: int  # independent networks
    features: int  # numbers per row that the replay buffer keeps
    inputs: int  # numbers per row that the networks see
    extra: int  # further numbers per transition that a batch needs
    generators: dict[str, torch.Generator]  # that `learning` draws from, by purpose

    def look(self, observations: np.ndarray) -> np.ndarray:
        """Features (N, F) of observations (N, S)."""

    def perform(self, actions: np.ndarray) -> np.ndarray:
        """The simulator's actions (N, A) for the agent's."""

    def intend(self, actions: np.ndarray) -> np.ndarray:
        """The agent's actions (N, A) for the simulator's."""

    def rewards(self, transition: Transition) -> np.ndarray:
        """The learner's rewards (N,)."""

    def extras(self, transition: Transition) -> np.ndarray:
        """The further numbers (N, extra)."""

    def acting(self, features: Tensor) -> Tensor:
        """Network inputs (stack, N/stack, inputs) of features (N, F)."""

    def learning(self, batch: Batch, extra: Tensor, rows: Tensor) -> Batch:
        """The batch that the networks learn from; ``rows`` (stack, B) says whose it was."""


class OwnTask:
    """One independent agent per task, which sees its own task only."""

    def __init__(self, suite: Suite, row_tasks: np.ndarray):
        self.stack = len(np.unique(row_tasks))
        self.features = self.inputs = suite.visible_dim
        self.extra = 0
        self.generators: dict[str, torch.Generator] = {}

    def look(self, observations: np.ndarray) -> np.ndarray:
        return observations[:, : self.features]

    def perform(self, actions: np.ndarray) -> np.ndarray:
        return actions

    def intend(self, actions: np.ndarray) -> np.ndarray:
        return actions

    def rewards(self, transition: Transition) -> np.ndarray:
        return transition.rewards

    def extras(self, transition: Transition) -> np.ndarray:
        return np.empty((len(transition.rewards), 0), dtype=np.float32)

    def acting(self, features: Tensor) -> Tensor:
        return features.view(self.stack, -1, self.features)

    def learning(self, batch: Batch, extra: Tensor, rows: Tensor) -> Batch:
        return batch


def as_tensor(array: np.ndarray, device: str) -> Tensor:
    """Float32 on ``device``."""
    return torch.as_tensor(np.ascontiguousarray(array, dtype=np.float32), device=device)
