"""Scripted demonstrations for the arm's suites: random, then noisy, then expert episodes.

The experts are metaworld 3.1.1's (reach: ``SawyerReachV3Policy``): they see the goal. The
stored observations hide it all the same.
"""

from collections.abc import Sequence

import numpy as np

from trajprompt.collect.arm_expert import ArmExpert
from trajprompt.collect.options import ScriptedOptions
from trajprompt.collect.pick_place_expert import ScriptedPickPlacePolicy
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


class ScriptedReachPolicy(ArmExpert):
    """Moves the hand towards the goal, without a grip."""

    kind = ReachSimulator

    def intended(self, seen: np.ndarray) -> np.ndarray:
        actions = np.zeros((len(seen), 4), np.float32)
        actions[:, :3] = GAIN * (seen[:, 36:] - seen[:, :3])
        return actions


# Those of `options.SCRIPTED`.
EXPERTS: dict[str, type[ArmExpert]] = {
    "reach": ScriptedReachPolicy,
    "pick-place": ScriptedPickPlacePolicy,
}


def scripted_expert(
    simulator: Simulator,
    noise: float = 0.0,
    generator: np.random.Generator | None = None,
) -> ArmExpert:
    """The expert of the simulator's suite; an error where it has none."""
    suite = simulator.suite.name
    if suite not in EXPERTS:
        expected = "a suite that has one: " + ", ".join(EXPERTS)
        raise TrajpromptError(suite, "no scripted expert", expected)
    return EXPERTS[suite](simulator, noise, generator)


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
        scripted_expert(simulator, options.medium_noise, generator),
        scripted_expert(simulator, options.expert_noise, generator),
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
    """Flatten the (E, H, ...) arrays of the levels; none of these episodes ends early."""
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
