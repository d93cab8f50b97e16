"""Tasks whose observations identify their row, and segments cut from them by loops."""

import numpy as np
import torch
from hypothesis import strategies as st

from trajprompt.trajectories.episodes import TaskTrajectories
from trajprompt.trajectories.normaliser import Normaliser
from trajprompt.trajectories.segments import Segments

SCALE = 50.0


def make_task(task: int, lengths: list[int]) -> TaskTrajectories:
    """Task whose observations are (task, episode, step)."""
    rng = np.random.default_rng(task)
    rows = [(task, e, t) for e, length in enumerate(lengths) for t in range(length)]
    return TaskTrajectories(
        task=task,
        goal=np.zeros(1),
        observations=np.array(rows, dtype=np.float32),
        actions=rng.uniform(-1, 1, size=(len(rows), 2)).astype(np.float32),
        rewards=rng.normal(size=len(rows)).astype(np.float32),
        terminations=np.zeros(len(rows), dtype=bool),
        episode_ends=np.cumsum(lengths),
        final_observations=np.zeros((len(lengths), 3), dtype=np.float32),
        behaviour_step=np.cumsum(lengths),
    )


IDENTITY = Normaliser(torch.zeros(3), torch.ones(3))
SHIFTED = Normaliser(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([0.5, 2.0, 4.0]))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def slow_segment(task, normaliser, episode, start, length):
    """One left-padded segment, by loops over single steps: lists (rtg, s, a, t, mask)."""
    first = int(task.starts[episode])
    end = int(task.episode_ends[episode])
    steps = [first + t for t in range(start, start + length) if first + t < end]
    mean, std = normaliser.mean.numpy(), normaliser.std.numpy()
    returns, states, actions, times, mask = [], [], [], [], []
    for _ in range(length - len(steps)):
        returns.append([0.0])
        states.append((np.zeros(3) - mean) / std)
        actions.append(np.full(2, -10.0))
        times.append(0)
        mask.append(False)
    for row in steps:
        returns.append([sum(float(r) for r in task.rewards[row:end]) / SCALE])
        states.append((task.observations[row] - mean) / std)
        actions.append(task.actions[row])
        times.append(row - first)
        mask.append(True)
    return returns, states, actions, times, mask


def assert_segment(segment: Segments, expected) -> None:
    for found, wanted in zip(segment, expected, strict=True):
        np.testing.assert_allclose(found.numpy(), np.array(wanted), rtol=1e-5, atol=1e-5)


LENGTHS = st.lists(st.integers(1, 12), min_size=1, max_size=6)
