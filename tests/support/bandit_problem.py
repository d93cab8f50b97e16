"""A synthetic bandit: arms along a trajectory, and an oracle with a known optimum."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import torch

from support.fake_oracle import STEPS
from support.tuning_problem import ACTION, ROWS, STATE, make_problem
from trajprompt.trajectories.segments import Segments
from trajprompt.tuning.oracle import OracleResult
from trajprompt.tuning.protocol import TuningProblem

H = 3  # steps of a segment
COUNTS = (40, 25, 33)  # number of arms of each row
GOALS = (0.9, 0.3, 0.6, 0.1)  # per slot: the best position in the trajectory, from 0 to 1


def make_arms(count: int, seed: int = 0) -> Segments:
    """Return all windows (A, H, ..) of one smooth trajectory."""
    generator = np.random.default_rng(seed)
    time = np.arange(count + H - 1)
    speed, phase = generator.uniform(0.5, 4, STATE + ACTION), generator.uniform(0, 6, 26)
    waves = np.sin(speed * time[:, None] / len(time) + phase)
    steps = np.arange(count)[:, None] + np.arange(H)  # (A, H)
    left = 1 - time[:, None] / len(time)
    parts = (left, waves[:, :STATE], waves[:, STATE:])
    values = [torch.from_numpy(part[steps]).float() for part in parts]
    mask = torch.ones(count, H, dtype=torch.bool)
    return Segments(*values, torch.from_numpy(steps), mask)


def make_bandit_problem(slots: int = 2, counts: Sequence[int] = COUNTS) -> TuningProblem:
    """Return a problem whose initial prompts have the row's first arm in every slot."""
    arms = [make_arms(count, seed) for seed, count in enumerate(counts)]
    first = [one.select(torch.zeros(slots, dtype=torch.long)) for one in arms]
    joined = [one.join() for one in first]
    initial = Segments(*(torch.stack(parts) for parts in zip(*joined, strict=True)))
    assert len(arms) == ROWS
    changed = {"initial_prompts": initial, "prompt_segments": slots, "arms": arms}
    return dataclasses.replace(make_problem(), **changed)


class AdditiveOracle:
    """Oracle of returns G = mean over slots of phi_j + h, with |h| <= epsilon.

    ``scale`` is the unit of phi.
    """

    def __init__(self, problem: TuningProblem, epsilon: float = 0.0, scale: float = 30.0):
        self.counts = [len(arms.mask) for arms in problem.require_arms()]
        self.epsilon, self.scale = epsilon, scale
        self.slots = problem.prompt_segments

    def phi(self, row: int) -> np.ndarray:
        """Return phi (J, A_r) of every slot and arm."""
        position = np.arange(self.counts[row]) / (self.counts[row] - 1)
        goals = np.array(GOALS[: self.slots])[:, None]
        return -self.scale * np.square(position - goals)

    def value(self, row: int, arms: np.ndarray) -> np.ndarray:
        """Return the value (..) of prompts with arms (.., J)."""
        parts = [self.phi(row)[slot, arms[..., slot]] for slot in range(self.slots)]
        return np.mean(parts, axis=0) + self.epsilon * np.sin(
            arms @ (1 + np.arange(self.slots))
        )

    episodes = 1  # per candidate

    def fresh_resets(self, sequence: np.random.SeedSequence, number: int) -> np.ndarray:
        return np.zeros((), np.int64)

    def __call__(self, prompts: Segments, seeds: np.ndarray) -> OracleResult:
        """Return the values of prompts (R, C, J * H, ..).

        The first timestep of a window is its index.
        """
        arms = prompts.timesteps[..., ::H].numpy()  # (R, C, J)
        returns = np.stack([self.value(row, chosen) for row, chosen in enumerate(arms)])
        return OracleResult(returns, np.full(arms.shape[:2], STEPS))
