"""Rollouts of one episode per row, all rows in lockstep, for evaluation and tuning."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from trajprompt.errors import TrajpromptError
from trajprompt.tasks.simulator import Simulator, Step
from trajprompt.tasks.suites import Suite


class Policy(Protocol):
    """Policy that acts for all rows at once; it may keep a history per row."""

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Return actions (N, A) for observations (N, S); called once per control step."""
        ...

    def receive(self, rewards: np.ndarray) -> None:
        """Take the rewards (N,) of those actions, 0 for rows whose episode has ended."""
        ...


@dataclass(frozen=True)
class Episodes:
    """Results of one episode per row, for N rows and horizon H.

    The last four are recorded on request and are zero after the end of an episode.
    """

    returns: np.ndarray  # (N,) float64, undiscounted
    lengths: np.ndarray  # (N,) int64, control steps
    successes: np.ndarray  # (N,) bool, True if any step succeeded
    observations: np.ndarray | None = None  # (N, H + 1, S) float32, the final one included
    actions: np.ndarray | None = None  # (N, H, A) float32
    rewards: np.ndarray | None = None  # (N, H) float32
    terminations: np.ndarray | None = None  # (N, H) bool


class EpisodeRecorder:
    """Recorder of every step of every row."""

    def __init__(self, suite: Suite, first_observations: np.ndarray):
        rows, horizon = len(first_observations), suite.horizon
        self.observations = np.zeros((rows, horizon + 1, suite.state_dim), np.float32)
        self.actions = np.zeros((rows, horizon, suite.action_dim), np.float32)
        self.rewards = np.zeros((rows, horizon), np.float32)
        self.terminations = np.zeros((rows, horizon), bool)
        self.observations[:, 0] = first_observations

    def write(
        self, time: int, running: np.ndarray, actions: np.ndarray, step: Step
    ) -> None:
        """Record control step ``time`` of the rows in the mask ``running`` (N,)."""
        self.observations[running, time + 1] = step.observations[running]
        self.actions[running, time] = actions[running]
        self.rewards[running, time] = step.rewards[running]
        self.terminations[running, time] = step.terminations[running]


def rollout(
    simulator: Simulator, policy: Policy, seeds: np.ndarray, record: bool = False
) -> Episodes:
    """Play one episode per row of ``simulator``, to termination or the suite's horizon.

    ``seeds`` (N,) are the reset seeds. The loop ends early once every row has terminated.
    """
    rows = len(simulator.tasks)
    if np.shape(seeds) != (rows,):
        found, expected = f"found seeds of shape {np.shape(seeds)}", f"({rows},)"
        raise TrajpromptError("rollout", found, expected, "pass one seed per row")
    observations = simulator.reset(seeds)
    returns, lengths = np.zeros(rows), np.zeros(rows, np.int64)
    successes, running = np.zeros(rows, bool), np.ones(rows, bool)
    recorder = EpisodeRecorder(simulator.suite, observations) if record else None
    for time in range(simulator.suite.horizon):
        actions = policy.act(observations)
        step = simulator.step(actions)
        rewards = np.where(running, step.rewards, 0.0)
        policy.receive(rewards)
        returns += rewards
        lengths += running
        successes |= step.successes & running
        if recorder is not None:
            recorder.write(time, running, actions, step)
        running &= ~step.terminations
        observations = step.observations
        if not running.any():
            break
    return Episodes(returns, lengths, successes, **(vars(recorder) if recorder else {}))
