"""Levels of D4RL data, made from a teacher's policies and from what it learned from.

As D4RL's scripts/generation/mujoco: episodes are those of *sampled* policies.

- random: the untrained policy. medium: an early policy. expert: the best policy.
- medium-replay: all episodes that the teacher learned from up to its medium policy.
- medium-expert: medium episodes, then as many steps of expert ones.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from trajprompt.collect.options import LevelOptions
from trajprompt.collect.sampled_play import play
from trajprompt.collect.teacher import Teacher
from trajprompt.seeds import stream
from trajprompt.tasks.suites import Suite
from trajprompt.trajectories.episodes import TaskTrajectories
from trajprompt.trajectories.store import read_trajectories


def level_of(suite: Suite) -> str:
    """Level of a D4RL suite, e.g. ``medium-replay``."""
    return suite.name.removeprefix(f"{suite.environment}-")


def collect_level(
    suite: Suite,
    teacher: Teacher,
    replay: Path,
    options: LevelOptions,
    run_seed: int,
    threads: int,
) -> TaskTrajectories:
    """Complete episodes of the suite's level, with at least ``options.steps`` steps.

    ``medium-replay`` has about as many, or all of ``replay`` if that has fewer.
    """
    level = level_of(suite)

    def played(policy: str, steps: int) -> TaskTrajectories:
        seed = stream(run_seed, "collect", suite.environment, policy)
        recorder = play(teacher.policy(policy), suite, steps, options.rows, seed, threads)
        return recorder.trajectories(0, {"algorithm": "level", "level": level})

    if level == "medium-replay":
        task = read_trajectories(replay, [0], suite)[0]
        return dataclasses.replace(thinned(task, options.steps), goal=suite.goals[0])
    if level == "medium-expert":
        half = -(-options.steps // 2)
        return joined([played("medium", half), played("expert", half)])
    return played(level, options.steps)


def thinned(task: TaskTrajectories, steps: int) -> TaskTrajectories:
    """Whole episodes, evenly spread over the order of collection, of about ``steps`` steps.

    All of them if there are not more.
    """
    total = int(task.episode_ends[-1])
    if total <= steps:
        return task
    count = max(1, round(task.num_episodes * steps / total))
    chosen = np.linspace(0, task.num_episodes - 1, count).round().astype(np.int64)
    return task.select(chosen)


def joined(parts: Sequence[TaskTrajectories]) -> TaskTrajectories:
    """The episodes of all parts, one after the other."""
    steps = np.cumsum([0, *(part.episode_ends[-1] for part in parts)])
    names = ("observations", "actions", "rewards", "terminations", "final_observations")
    arrays: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts]) for name in names
    }
    return dataclasses.replace(
        parts[0],
        **arrays,
        episode_ends=np.concatenate(
            [part.episode_ends + shift for part, shift in zip(parts, steps, strict=False)]
        ),
        behaviour_step=np.concatenate(
            [part.behaviour_step + shift for part, shift in zip(parts, steps, strict=False)]
        ),
    )
