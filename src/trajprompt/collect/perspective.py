"""Perspectives: mappings from a suite to an agent's inputs and training batches.

A perspective maps observations of all rows to features for the replay buffer, features to
network inputs, and sampled transitions to a training batch. One agent per task uses
`PerTask`; in goal_conditioned.py and canonical.py, one agent learns all tasks.
"""

from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from trajprompt.collect.replay import Batch
from trajprompt.tasks.suites import Suite


class Transition(NamedTuple):
    """One control step of all N rows."""

    observations: np.ndarray  # (N, S)
    actions: np.ndarray  # (N, A)
    rewards: np.ndarray  # (N,)
    next_observations: np.ndarray  # (N, S)
    terminations: np.ndarray  # (N,)


class Perspective(Protocol):
    """Mapping between N rows of a simulator and an agent or a stack of agents."""

    stack: int  # independent networks
    features: int  # features per row in the replay buffer
    inputs: int  # network inputs per row
    extra: int  # additional values per transition, for `training_batch`
    generators: dict[str, torch.Generator]  # used by `training_batch`, by purpose

    def observe(self, observations: np.ndarray) -> np.ndarray:
        """Features (N, F) of observations (N, S)."""

    def to_simulator(self, actions: np.ndarray) -> np.ndarray:
        """Simulator actions (N, A) for agent actions (N, A)."""

    def to_agent(self, actions: np.ndarray) -> np.ndarray:
        """Agent actions (N, A) for simulator actions (N, A)."""

    def rewards(self, transition: Transition) -> np.ndarray:
        """Rewards (N,) that the agent learns from."""

    def extras(self, transition: Transition) -> np.ndarray:
        """Additional values (N, extra) of a transition."""

    def policy_inputs(self, features: Tensor) -> Tensor:
        """Network inputs (stack, N/stack, inputs) of features (N, F)."""

    def training_batch(self, batch: Batch, extra: Tensor, rows: Tensor) -> Batch:
        """Batch that the networks learn from; ``rows`` (stack, B) are the source rows."""


class PerTask:
    """One independent agent per task, which learns only from this task."""

    def __init__(self, suite: Suite, row_tasks: np.ndarray):
        self.stack = len(np.unique(row_tasks))
        self.features = self.inputs = suite.visible_dim
        self.extra = 0
        self.generators: dict[str, torch.Generator] = {}

    def observe(self, observations: np.ndarray) -> np.ndarray:
        return observations[:, : self.features]

    def to_simulator(self, actions: np.ndarray) -> np.ndarray:
        return actions

    def to_agent(self, actions: np.ndarray) -> np.ndarray:
        return actions

    def rewards(self, transition: Transition) -> np.ndarray:
        return transition.rewards

    def extras(self, transition: Transition) -> np.ndarray:
        return np.empty((len(transition.rewards), 0), dtype=np.float32)

    def policy_inputs(self, features: Tensor) -> Tensor:
        return features.view(self.stack, -1, self.features)

    def training_batch(self, batch: Batch, extra: Tensor, rows: Tensor) -> Batch:
        return batch


def as_tensor(array: np.ndarray, device: str) -> Tensor:
    """Convert ``array`` to a float32 tensor on ``device``."""
    return torch.as_tensor(np.ascontiguousarray(array, dtype=np.float32), device=device)
