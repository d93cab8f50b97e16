"""Scripted demonstrations: random, then noisy, then expert episodes of every task."""

from collections.abc import Sequence

import numpy as np

from trajprompt.collect.experts import ScriptedPolicy
from trajprompt.collect.options import ScriptedOptions
from trajprompt.rollout.loop import Episodes, Policy, rollout
from trajprompt.seeds import children, integers
from trajprompt.tasks.registry import make_simulator
from trajprompt.tasks.suites import Suite
from trajprompt.trajectories.episodes import TaskTrajectories

LEVELS = 3  # random, noisy, expert


class RandomPolicy:
    """Policy with uniform actions in [-1, 1], for any suite."""

    def __init__(self, rows: int, action_dim: int, generator: np.random.Generator):
        self.shape, self.generator = (rows, action_dim), generator

    def act(self, observations: np.ndarray) -> np.ndarray:
        return self.generator.uniform(-1, 1, self.shape).astype(np.float32)  # (N, A)

    def receive(self, rewards: np.ndarray) -> None:
        pass


def collect_scripted(
    suite: Suite,
    tasks: Sequence[int],
    options: ScriptedOptions,
    stream: np.random.SeedSequence,
    threads: int = 1,
) -> list[TaskTrajectories]:
    """Collect one buffer per task: equal parts random, noisy and expert episodes."""
    per_level = options.stored
    simulator = make_simulator(suite, np.repeat(np.asarray(tasks), per_level), threads)
    generator = np.random.default_rng(stream)
    policies: tuple[Policy, ...] = (
        RandomPolicy(simulator.rows, suite.action_dim, generator),
        ScriptedPolicy(simulator, options.medium_noise, generator),
        ScriptedPolicy(simulator, options.expert_noise, generator),
    )
    resets = integers(children(stream, 1)[0], LEVELS * simulator.rows)
    levels = [
        rollout(simulator, policy, seeds, record=True)
        for policy, seeds in zip(policies, np.split(resets, LEVELS), strict=True)
    ]
    return [
        _buffer(
            suite,
            task,
            [_rows(level, index * per_level, per_level) for level in levels],
            options,
        )
        for index, task in enumerate(tasks)
    ]


def _rows(episodes: Episodes, first: int, count: int) -> dict[str, np.ndarray]:
    names = ("observations", "actions", "rewards", "terminations", "lengths")
    return {name: getattr(episodes, name)[first : first + count] for name in names}


def _buffer(
    suite: Suite, task: int, levels: list[dict[str, np.ndarray]], options: ScriptedOptions
) -> TaskTrajectories:
    """Join the (E, H, ...) arrays of the levels, without the steps after episode ends."""
    joined = {name: np.concatenate([level[name] for level in levels]) for name in levels[0]}
    lengths, observations = joined["lengths"], joined["observations"]
    played = np.arange(suite.horizon) < lengths[:, None]  # (E, H)
    ends = np.cumsum(lengths)
    return TaskTrajectories(
        task=int(task),
        goal=suite.goals[task].copy(),
        observations=observations[:, :-1][played],
        actions=joined["actions"][played],
        rewards=joined["rewards"][played],
        terminations=joined["terminations"][played],
        episode_ends=ends,
        final_observations=observations[np.arange(len(lengths)), lengths],
        behaviour_step=ends - lengths,
        attributes={
            "algorithm": "scripted: random, noisy, expert thirds",
            "medium_noise": options.medium_noise,
            "expert_noise": options.expert_noise,
        },
    )
