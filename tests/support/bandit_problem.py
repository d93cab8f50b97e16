"""A synthetic bandit: arms along a trajectory, and an oracle whose optimum is known."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import torch

from support.fake_oracle import STEPS
from support.tuning_problem import ACTION, ROWS, STATE, make_problem
from trajprompt.trajectories.segments import Segments
from trajprompt.tuning.oracle import Played
from trajprompt.tuning.protocol import TuningProblem

H = 3  # steps of a segment
COUNTS = (40, 25, 33)  # arms of each row
GOALS = (0.9, 0.3, 0.6, 0.1)  # of each slot: the place in the trajectory that earns most


def make_arms(count: int, seed: int = 0) -> Segments:
    """All windows (A, H, ..) of one smooth trajectory."""
    chance = np.random.default_rng(seed)
    time = np.arange(count + H - 1)
    speed, phase = chance.uniform(0.5, 4, STATE + ACTION), chance.uniform(0, 6, 26)
    waves = np.sin(speed * time[:, None] / len(time) + phase)
    steps = np.arange(count)[:, None] + np.arange(H)  # (A, H)
    left = 1 - time[:, None] / len(time)
    parts = (left, waves[:, :STATE], waves[:, STATE:])
    numbers = [torch.from_numpy(part[steps]).float() for part in parts]
    mask = torch.ones(count, H, dtype=torch.bool)
    return Segments(*numbers, torch.from_numpy(steps), mask)


def make_bandit_problem(slots: int = 2, counts: Sequence[int] = COUNTS) -> TuningProblem:
    """Initial prompts are the first arm of the row in every slot."""
    arms = [make_arms(count, seed) for seed, count in enumerate(counts)]
    first = [own.select(torch.zeros(slots, dtype=torch.long)) for own in arms]
    joined = [own.join() for own in first]
    initial = Segments(*(torch.stack(parts) for parts in zip(*joined, strict=True)))
    assert len(arms) == ROWS
    changed = {"initial_prompts": initial, "prompt_segments": slots, "arms": arms}
    return dataclasses.replace(make_problem(), **changed)


class AdditiveOracle:
    """G = mean over slots of phi_j + h, |h| <= epsilon, in units of ``scale``."""

    def __init__(self, problem: TuningProblem, epsilon: float = 0.0, scale: float = 30.0):
        self.counts = [len(own.mask) for own in problem.require_arms()]
        self.epsilon, self.scale = epsilon, scale
        self.slots = problem.prompt_segments

    def phi(self, row: int) -> np.ndarray:
        """(J, A_r)"""
        place = np.arange(self.counts[row]) / (self.counts[row] - 1)
        goals = np.array(GOALS[: self.slots])[:, None]
        return -self.scale * np.square(place - goals)

    def value(self, row: int, arms: np.ndarray) -> np.ndarray:
        """Of arms (.., J)."""
        parts = [self.phi(row)[slot, arms[..., slot]] for slot in range(self.slots)]
        return np.mean(parts, axis=0) + self.epsilon * np.sin(
            arms @ (1 + np.arange(self.slots))
        )

    def fresh_resets(self, sequence: np.random.SeedSequence, number: int) -> np.ndarray:
        return np.zeros((), np.int64)

    def __call__(self, prompts: Segments, seeds: np.ndarray) -> Played:
        """A window's first timestep is its number; prompts (R, C, J * H, ..)."""
        arms = prompts.timesteps[..., ::H].numpy()  # (R, C, J)
        returns = np.stack([self.value(row, own) for row, own in enumerate(arms)])
        return Played(returns, np.full(ROWS, STEPS * arms.shape[1]))
