"""The named ways of collecting a suite: options in, trajectories of all tasks out.

An algorithm is one entry of `ALGORITHMS`; its options are the fields of the dataclasses
that it takes together, given flat in the config.
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch

from trajprompt.collect.goal_conditioned import GOAL_REWARDS, GoalConditioned
from trajprompt.collect.heading import CanonicalHeading
from trajprompt.collect.loop import Collection, LoopOptions
from trajprompt.collect.perspective import OwnTask, Perspective
from trajprompt.collect.sac import SAC, SacOptions
from trajprompt.collect.td3 import TD3, Td3Options
from trajprompt.errors import TrajpromptError
from trajprompt.models.precision import resolve_device
from trajprompt.seeds import stream, torch_generator
from trajprompt.settings import CollectSettings
from trajprompt.tasks.simulator import Simulator, make_simulator
from trajprompt.tasks.suites import Suite, get_suite
from trajprompt.trajectories.episodes import TaskTrajectories


@dataclass(frozen=True)
class GoalOptions:
    """Options of goal-conditioned agents only."""

    relabelled: float = 0.8  # share of each batch whose goal is drawn anew (cheetah)


@dataclass(frozen=True)
class Algorithm:
    """An agent class, its options, and whether one agent learns all tasks."""

    agent: type[SAC] | type[TD3]
    options: type[SacOptions] | type[Td3Options]
    goal_conditioned: bool


LEARNERS = {
    "sac": Algorithm(SAC, SacOptions, goal_conditioned=False),
    "td3": Algorithm(TD3, Td3Options, goal_conditioned=False),
    "goal-conditioned-sac": Algorithm(SAC, SacOptions, goal_conditioned=True),
    "goal-conditioned-td3": Algorithm(TD3, Td3Options, goal_conditioned=True),
}


def collect(settings: CollectSettings) -> list[TaskTrajectories]:
    """All episodes of every task in ``settings``, in time order."""
    suite = get_suite(settings.suite)
    tasks = np.array(sorted(settings.tasks))
    settings = dataclasses.replace(settings, device=str(resolve_device(settings.device)))
    if settings.algorithm in LEARNERS:
        return _learn(suite, tasks, settings)
    if settings.algorithm == "scripted":
        return _script(suite, tasks, settings)
    known = ", ".join([*LEARNERS, "scripted"])
    raise TrajpromptError(f"collect {suite.name}: algorithm", settings.algorithm, known)


def _learn(
    suite: Suite, tasks: np.ndarray, settings: CollectSettings
) -> list[TaskTrajectories]:
    torch.set_num_threads(1)  # two threads were measured slower than one at these sizes
    algorithm = LEARNERS[settings.algorithm]
    kinds: tuple[type, ...] = (LoopOptions, algorithm.options)
    kinds += (GoalOptions,) if algorithm.goal_conditioned else ()
    loop, agent_options, *goal = read_options(
        settings.options, kinds, f"collect {suite.name}: options of {settings.algorithm}"
    )
    simulator = make_simulator(suite, tasks.repeat(loop.rows_per_task), settings.threads)
    perspective = _perspective(simulator, settings, goal, agent_options.discount)
    agent = algorithm.agent(
        perspective.stack,
        perspective.inputs,
        suite.action_dim,
        agent_options,
        settings.device,
        torch_generator(stream(settings.run_seed, "collect", suite.name, "weights")),
        _generator(settings, "noise"),
    )
    recorder = Collection(
        simulator, agent, perspective, loop, settings.device, settings.run_seed
    ).run()
    attributes = {"algorithm": settings.algorithm, "seed": settings.run_seed}
    return [recorder.trajectories(int(task), attributes) for task in tasks]


def _script(
    suite: Suite, tasks: np.ndarray, settings: CollectSettings
) -> list[TaskTrajectories]:
    from trajprompt.collect.scripted import ScriptedOptions, collect_scripted

    where = f"collect {suite.name}: options of scripted"
    (options,) = read_options(settings.options, (ScriptedOptions,), where)
    names = stream(settings.run_seed, "collect", suite.name, "scripted")
    return collect_scripted(suite, tasks.tolist(), options, names, settings.threads)


def _perspective(
    simulator: Simulator,
    settings: CollectSettings,
    goal: list[GoalOptions],
    discount: float,
) -> Perspective:
    suite, rows = simulator.suite, simulator.tasks
    if not goal:
        return OwnTask(suite, rows)
    if suite.name in GOAL_REWARDS:
        generator = _generator(settings, "relabelling")
        share = goal[0].relabelled
        return GoalConditioned(suite, rows, share, settings.device, generator)
    return CanonicalHeading(suite, rows, discount)


def _generator(settings: CollectSettings, purpose: str) -> Any:
    names = stream(settings.run_seed, "collect", settings.suite, purpose)
    return torch_generator(names, settings.device)


Options = TypeVar("Options")


def read_options(
    values: Mapping[str, Any], kinds: tuple[Callable[..., Any], ...], where: str
) -> list[Any]:
    """One dataclass of each kind from flat options; unknown keys are errors.

    A value of None is as if the key were absent, so that an overlay of the config can
    take back what lies below it, e.g. an option of another algorithm.
    """
    values = {name: value for name, value in values.items() if value is not None}
    known = [{item.name for item in dataclasses.fields(kind)} for kind in kinds]  # type: ignore[arg-type]
    wrong = sorted(set(values) - set().union(*known))
    if wrong:
        expected = f"among {', '.join(sorted(set().union(*known)))}"
        raise TrajpromptError(where, f"unknown key(s) {', '.join(wrong)}", expected)
    try:
        return [
            kind(**{name: values[name] for name in names & values.keys()})
            for kind, names in zip(kinds, known, strict=True)
        ]
    except TypeError as error:
        raise TrajpromptError(where, str(error), "all required keys") from error
