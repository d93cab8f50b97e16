"""A collection on a fake simulator, and batches for its agents."""

import dataclasses

import numpy as np
import pytest
import torch

from trajprompt.collect import algorithms
from trajprompt.collect.replay import Batch
from trajprompt.settings.stages import CollectSettings
from trajprompt.tasks import registry
from trajprompt.tasks.registry import get_suite
from trajprompt.tasks.simulator import Step

HORIZON = 10


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def random_batch(stack: int, size: int = 16, seed: int = 3) -> Batch:
    g = generator(seed)
    terminated = (torch.rand(stack, size, generator=g) < 0.3).float()
    return Batch(
        torch.randn(stack, size, 5, generator=g),
        torch.rand(stack, size, 2, generator=g) * 2 - 1,
        torch.randn(stack, size, generator=g),
        torch.randn(stack, size, 5, generator=g),
        terminated,
    )


class FakeSimulator:
    """A point on a line per row, moved by action 0; the reward is its speed.

    Rows of task 1 terminate beyond position 1, so episode lengths differ.
    """

    def __init__(self, suite, tasks, threads=1):
        self.suite, self.tasks, self.rows = suite, np.asarray(tasks), len(tasks)
        self.position = np.zeros(self.rows)
        self.terminated = np.zeros(self.rows, bool)

    def _observations(self):
        seen = np.zeros((self.rows, self.suite.state_dim), np.float32)
        seen[:, 0] = self.position
        return seen

    def reset(self, seeds, rows=None):
        chosen = np.ones(self.rows, bool) if rows is None else rows
        self.position[chosen] = seeds[chosen] % 100 / 1000
        self.terminated[chosen] = False
        return self._observations()

    def step(self, actions):
        moved = np.where(self.terminated, 0.0, 0.2 * actions[:, 0])
        self.position += moved
        self.terminated |= (self.tasks == 1) & (self.position > 1)
        successes = np.zeros(self.rows, bool)
        return Step(self._observations(), moved * 5, self.terminated.copy(), successes)


@pytest.fixture
def fake(monkeypatch):
    suite = dataclasses.replace(get_suite("cheetah-dir"), horizon=HORIZON)
    monkeypatch.setattr(algorithms, "make_simulator", FakeSimulator)
    monkeypatch.setattr(registry, "get_suite", lambda name: suite)
    return suite


def settings(**changes) -> CollectSettings:
    options = dict(
        episodes_per_task=12,
        rows_per_task=2,
        random_episodes=4,
        greedy_episodes=2,
        updates_per_step=0.5,
        width=8,
        batch=16,
    )
    values = dict(
        run="test",
        run_seed=1,
        suite="cheetah-dir",
        tasks=(0, 1),
        algorithm="sac",
        options=options,
        expert_at_least=None,
        random_at_most=None,
        quality_episodes=3,
        device="cpu",
        threads=1,
    )
    return CollectSettings(**{**values, **changes})
