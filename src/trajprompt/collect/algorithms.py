"""Algorithms that collect the trajectories of a suite.

An algorithm is an entry of `options.KINDS`, and of `LEARNERS` if it learns from a replay
buffer. Its options are the fields of its dataclasses in `options.KINDS`; in the config they
are one flat mapping.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from trajprompt.artifacts.checkpoint import Checkpoint
from trajprompt.collect.canonical import Canonical
from trajprompt.collect.goal_conditioned import GoalConditioned
from trajprompt.collect.levels import collect_level
from trajprompt.collect.loop import Collection
from trajprompt.collect.options import KINDS, GoalOptions
from trajprompt.collect.perspective import Perspective, PerTask
from trajprompt.collect.ppo_collection import collect_by_ppo
from trajprompt.collect.sac import SAC
from trajprompt.collect.td3 import TD3
from trajprompt.collect.teacher import load_teacher
from trajprompt.collect.user_store import open_user_store
from trajprompt.errors import TrajpromptError
from trajprompt.seeds import stream, torch_generator
from trajprompt.settings.options import parse_together
from trajprompt.settings.stages import CollectSettings
from trajprompt.tasks.registry import make_simulator
from trajprompt.tasks.simulator import Simulator
from trajprompt.tasks.suites import Suite
from trajprompt.trajectories.episodes import TaskEpisodes, TaskTrajectories

REMEDY = "correct this key in the config"
LEARNERS: dict[str, type[SAC] | type[TD3]] = {
    "sac": SAC,
    "td3": TD3,
    "goal-conditioned-sac": SAC,  # one agent learns all tasks
    "goal-conditioned-td3": TD3,
}


def collect(
    settings: CollectSettings,
    suite: Suite,
    device: torch.device,
    checkpoint: Checkpoint | None = None,
    teacher: Sequence[Path] = (),
) -> Sequence[TaskEpisodes]:
    """Collect all episodes of every task in ``settings``, in time order.

    Learning resumes from ``checkpoint`` if its file exists. Scripted collection takes
    seconds and has no checkpoint. Raises TrajpromptError for an unknown algorithm.
    """
    tasks = np.array(sorted(settings.tasks))
    if settings.algorithm in LEARNERS:
        return _learn(suite, tasks, settings, str(device), checkpoint or Checkpoint())
    if settings.algorithm == "ppo":
        length, options = _options(settings)
        saved = checkpoint or Checkpoint()
        return collect_by_ppo(suite, tasks, settings, length, options, saved)
    if settings.algorithm == "scripted":
        return _script(suite, tasks, settings)
    if settings.algorithm == "file":
        (options,) = _options(settings)
        return open_user_store(options.path, suite, tasks.tolist())
    if settings.algorithm == "level":
        return [_level(suite, settings, teacher)]
    where, expected = f"collect.{suite.name}.algorithm", f"one of {', '.join(KINDS)}"
    raise TrajpromptError(where, f"found {settings.algorithm}", expected, REMEDY)


def _learn(
    suite: Suite,
    tasks: np.ndarray,
    settings: CollectSettings,
    device: str,
    checkpoint: Checkpoint,
) -> list[TaskTrajectories]:
    torch.set_num_threads(1)  # measured: faster than two threads at these sizes
    loop, agent_options, *goal = _options(settings)
    simulator = make_simulator(suite, tasks.repeat(loop.rows_per_task), settings.threads)
    perspective = _perspective(simulator, settings, device, goal, agent_options.discount)
    agent = LEARNERS[settings.algorithm](
        perspective.stack,
        perspective.inputs,
        suite.action_dim,
        agent_options,
        device,
        torch_generator(stream(settings.run_seed, "collect", suite.name, "weights")),
        _generator(settings, "noise", device),
    )
    recorder = Collection(
        simulator, agent, perspective, loop, device, settings.run_seed
    ).run(checkpoint)
    attributes = {"algorithm": settings.algorithm, "seed": settings.run_seed}
    return [recorder.trajectories(int(task), attributes) for task in tasks]


def _options(settings: CollectSettings) -> list[Any]:
    where = f"collect.{settings.suite}.options"
    return parse_together(KINDS[settings.algorithm], settings.options, where, REMEDY)


def _level(
    suite: Suite, settings: CollectSettings, teacher: Sequence[Path]
) -> TaskTrajectories:
    """Episodes of a D4RL level, made from the two files of a teacher."""
    if len(teacher) != 2:
        expected, remedy = "two files of `trajprompt teach`", "give them with --teacher"
        found = f"found {len(teacher)} files"
        raise TrajpromptError(f"teacher of {suite.name}", found, expected, remedy)
    (options,) = _options(settings)
    policies, replay = teacher
    loaded = load_teacher(policies, suite)
    return collect_level(
        suite, loaded, replay, options, settings.run_seed, settings.threads
    )


def _script(
    suite: Suite, tasks: np.ndarray, settings: CollectSettings
) -> list[TaskTrajectories]:
    from trajprompt.collect.scripted import collect_scripted

    (options,) = _options(settings)
    seeds = stream(settings.run_seed, "collect", suite.name, "scripted")
    return collect_scripted(suite, tasks.tolist(), options, seeds, settings.threads)


def _perspective(
    simulator: Simulator,
    settings: CollectSettings,
    device: str,
    goal: list[GoalOptions],
    discount: float,
) -> Perspective:
    suite, rows = simulator.suite, simulator.tasks
    if not goal:
        return PerTask(suite, rows)
    if suite.relabelling is not None:
        generator = _generator(settings, "relabelling", device)
        share = goal[0].relabelled
        return GoalConditioned(suite, suite.relabelling, rows, share, device, generator)
    if suite.symmetry is not None:
        return Canonical(suite, suite.symmetry, rows, discount)
    raise TrajpromptError(
        f"collect.{suite.name}.algorithm",
        f"found {settings.algorithm} for a suite without relabelling or symmetry",
        "sac or td3, with one agent per task",
        REMEDY,
    )


def _generator(settings: CollectSettings, purpose: str, device: str) -> torch.Generator:
    seeds = stream(settings.run_seed, "collect", settings.suite, purpose)
    return torch_generator(seeds, device)
