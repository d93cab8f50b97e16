"""Scripted demonstrations for reach: random, then noisy, then expert episodes.

The expert is metaworld 3.1.1's ``SawyerReachV3Policy``: it sees the goal and moves the
hand towards it. The stored observations hide the goal all the same.
"""

from collections.abc import Sequence

import numpy as np

from trajprompt.collect.options import ScriptedOptions
from trajprompt.errors import TrajpromptError
from trajprompt.rollout.loop import Episodes, rollout
from trajprompt.tasks.reach import ReachSimulator
from trajprompt.tasks.simulator import Simulator, make_simulator
from trajprompt.tasks.suites import Suite
from trajprompt.trajectories.episodes import TaskTrajectories

GAIN = 5.0  # metaworld/policies/sawyer_reach_v3_policy.py: move(..., p=5.0)


class RandomPolicy:
    """Uniform actions in [-1, 1], for any suite."""

    def __init__(self, rows: int, action_dim: int, generator: np.random.Generator):
        self.shape, self.generator = (rows, action_dim), generator

    def act(self, observations: np.ndarray) -> np.ndarray:
        return self.generator.uniform(-1, 1, self.shape).astype(np.float32)  # (N, A)

    def receive(self, rewards: np.ndarray) -> None:
        pass


class ScriptedReachPolicy:
    """The scripted expert of every row of a reach simulator, with Gaussian action noise."""

    def __init__(
        self,
        simulator: Simulator,
        noise: float = 0.0,
        generator: np.random.Generator | None = None,
    ):
        if not isinstance(simulator, ReachSimulator):
            raise TrajpromptError(simulator.suite.name, "no scripted expert", "suite reach")
        if noise > 0 and generator is None:
            raise TrajpromptError("scripted policy", "noise without a generator", "both")
        self.simulator, self.noise, self.generator = simulator, noise, generator

    def act(self, observations: np.ndarray) -> np.ndarray:
        """(N, 4); the simulator is asked for the goal that ``observations`` hide."""
        seen = self.simulator.expert_observations  # (N, 39)
        actions = np.zeros((len(seen), 4), np.float32)  # no grip
        actions[:, :3] = GAIN * (seen[:, 36:] - seen[:, :3])
        if self.generator is not None:
            actions += self.generator.normal(0.0, self.noise, actions.shape)
        # Meta-World clips as well; clipped here, the stored action is the one that acted.
        return np.clip(actions, -1.0, 1.0)

    def receive(self, rewards: np.ndarray) -> None:
        pass


def collect_scripted(
    suite: Suite,
    tasks: Sequence[int],
    options: ScriptedOptions,
    stream: np.random.SeedSequence,
    threads: int = 1,
) -> list[TaskTrajectories]:
    """One buffer per task: random, noisy, expert; a third of ``episodes`` each."""
    each = options.stored
    simulator = make_simulator(suite, np.repeat(np.asarray(tasks), each), threads)
    generator = np.random.default_rng(stream)
    policies = (
        RandomPolicy(simulator.rows, suite.action_dim, generator),
        ScriptedReachPolicy(simulator, options.medium_noise, generator),
        ScriptedReachPolicy(simulator, options.expert_noise, generator),
    )
    seeds = np.zeros(simulator.rows, np.int64)  # resets draw nothing
    levels = [rollout(simulator, policy, seeds, record=True) for policy in policies]
    return [
        _buffer(
            suite, task, [_rows(level, index * each, each) for level in levels], options
        )
        for index, task in enumerate(tasks)
    ]


def _rows(episodes: Episodes, first: int, count: int) -> dict[str, np.ndarray]:
    names = ("observations", "actions", "rewards", "terminations")
    return {name: getattr(episodes, name)[first : first + count] for name in names}


def _buffer(
    suite: Suite, task: int, levels: list[dict[str, np.ndarray]], options: ScriptedOptions
) -> TaskTrajectories:
    """Flatten the (E, H, ...) arrays of the levels; no reach episode ends early."""
    joined = {name: np.concatenate([level[name] for level in levels]) for name in levels[0]}
    episodes, horizon = joined["rewards"].shape
    return TaskTrajectories(
        task=int(task),
        goal=suite.goals[task].copy(),
        observations=joined["observations"][:, :-1].reshape(-1, suite.state_dim),
        actions=joined["actions"].reshape(-1, suite.action_dim),
        rewards=joined["rewards"].reshape(-1),
        terminations=joined["terminations"].reshape(-1),
        episode_ends=horizon * np.arange(1, episodes + 1, dtype=np.int64),
        final_observations=joined["observations"][:, -1].copy(),
        behaviour_step=horizon * np.arange(episodes, dtype=np.int64),
        attributes={
            "algorithm": "scripted: random, noisy, expert thirds",
            "medium_noise": options.medium_noise,
            "expert_noise": options.expert_noise,
        },
    )
