"""Speed of tuning and evaluation, for benchmarks/gpu.py."""

import contextlib
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import operations
import torch
from gpu_data import Config, backbone, data
from gpu_machine import Enough, SampledLoop, now, seconds_per_call
from gpu_training import prompt_steps

from trajprompt.adaptations.adaptation import Adaptation
from trajprompt.config import cells, derive
from trajprompt.models.backbone import Backbone
from trajprompt.models.lockstep import LockstepPolicy
from trajprompt.models.stacked_lockstep import Actor, StackedPolicy
from trajprompt.numerics.device import resolve_precision
from trajprompt.rollout.broker import Work, play_together
from trajprompt.rollout.loop import Episodes
from trajprompt.rollout.requests import Request
from trajprompt.rollout.stacked_plays import StackedPlayer
from trajprompt.settings.options import parse_options
from trajprompt.settings.stages import PretrainSettings, TuneSettings
from trajprompt.tasks.registry import get_suite, make_simulator
from trajprompt.trajectories.segments import Segments
from trajprompt.tuning.problem import build_problem, tasks_read
from trajprompt.tuning.protocol import TuningProblem
from trajprompt.tuning.registry import get_method

Cell = tuple[str, str, str]  # suite, condition, method


def control_rate(
    settings: Sequence[PretrainSettings],
    device: torch.device,
    rows: int,
    limit: float,
    threads: int,
    stacked: bool = True,
    graphs: bool = True,
) -> dict[str, Any]:
    """Lockstep steps per second of several backbones, ``rows`` episodes each."""
    first = settings[0]
    suite, steps = get_suite(first.suite), prompt_steps(first)
    backbones = [backbone(one, device) for one in settings]
    prompts = _prompts(backbones[0], rows, steps) if steps else None
    target = 0.0
    if stacked:
        actors = [Actor(one, prompts, rows, target) for one in backbones]
        policy: Any = StackedPolicy(actors, graphs=graphs)
    else:
        policy = LockstepPolicy(backbones[0], prompts, rows, target, threads=threads)
    count = rows * len(settings)
    simulator = make_simulator(suite, np.resize(np.array(suite.test_tasks), count), threads)
    observations = simulator.reset(np.arange(count))
    for _ in range(first.sizes.context_length):  # to the full window
        policy.act(observations)
    act = seconds_per_call(lambda: policy.act(observations), device, limit)
    actions = policy.act(observations)
    physics = seconds_per_call(lambda: simulator.step(actions), device, limit / 2)
    flops = operations.control_step(backbones[0].config, steps)
    return {
        "suite": suite.name,
        "code": "stacked" if stacked else "unstacked",
        "seeds": len(settings),
        "graphs": stacked and graphs and device.type == "cuda",
        "rows": count,
        "control_steps_per_s": count / (act + physics),
        "policy_steps_per_s": count / act,
        "physics_share": physics / (act + physics),
        "dtype": str(resolve_precision("auto", device)),
        "tflops": count * flops / act / 1e12,
        "lockstep_s": act + physics,
    }


def _prompts(one: Backbone, rows: int, steps: int) -> Segments:
    config, device = one.config, one.device
    return Segments(
        torch.randn(rows, steps, 1, device=device),
        torch.randn(rows, steps, config.state_dim, device=device),
        torch.randn(rows, steps, config.action_dim, device=device),
        torch.zeros(rows, steps, dtype=torch.int64, device=device),
        torch.ones(rows, steps, dtype=torch.bool, device=device),
    )


def _problem(
    config: Config, cell: Cell, seed: int, device: torch.device, episodes: int
) -> tuple[TuningProblem, TuneSettings]:
    """The tuning problem of a cell, with synthetic data and an untrained backbone."""
    settings = derive.tune(config, *cell, seed)
    count = min(episodes, settings.demonstrations)
    settings = dataclasses.replace(settings, demonstrations=count)
    suite, condition = get_suite(settings.suite), config["conditions"][cell[1]]
    pretraining = derive.pretrain(config, cell[0], condition["backbone"], seed)
    tasks = tasks_read(settings)
    buffers = dict(zip(tasks, data(settings.suite, tasks, episodes), strict=True))
    built = build_problem(settings, suite, buffers, backbone(pretraining, device))
    return built, settings


@dataclass(frozen=True)
class Sample:
    """A method's loop, measured for a stack of seeds."""

    loop: SampledLoop  # of the first seed
    rows: int
    plays: bool
    seconds: float  # of all steps and seeds, without the set-up
    set_up: float  # seconds


def tune_cell(
    config: Config,
    cell: Cell,
    seeds: int,
    device: torch.device,
    episodes: int,
    limit: float,
) -> dict[str, Any]:
    """Steps per second of a method's loop with a stack of seeds; seconds of all its steps.

    A method without a loop is run to its end. Of a generator of prompts, the steps after
    its pretraining are measured; the time of its pretraining is measured apart.
    """
    settings = derive.tune(config, *cell, config["seeds"][0])
    tuning, pretraining = _without_pretraining(settings.options, settings.kind), 0.0
    found = _sample(config, cell, seeds, device, episodes, limit, tuning)
    if tuning != settings.options:
        first = _sample(config, cell, seeds, device, episodes, limit, settings.options)
        steps = first.loop.total - found.loop.total
        pretraining = seeds * steps * first.loop.per_step
    return {
        "suite": cell[0],
        "condition": cell[1],
        "method": cell[2],
        "kind": settings.kind,
        "seeds": seeds,
        "rows": found.rows,
        "plays": found.plays,
        "steps_per_s": 1 / found.loop.per_step if found.loop.measured else None,
        "steps": found.loop.total,
        "pretraining_s": pretraining,
        "set_up_s": found.set_up,
        "projected_s": found.seconds + found.set_up + pretraining,
    }


def _without_pretraining(options: dict[str, Any], kind: str) -> dict[str, Any]:
    """Options of a method without the pretraining of its generator, if it has one."""
    if kind == "diffuser-ptdt":
        part = options.get("diffuser", {})
        return {**options, "diffuser": {**part, "pretraining_steps": 0}}
    known = {field.name for field in dataclasses.fields(get_method(kind).options)}
    return {**options, "pretraining_steps": 0} if "pretraining_steps" in known else options


def _sample(
    config: Config,
    cell: Cell,
    seeds: int,
    device: torch.device,
    episodes: int,
    limit: float,
    options: dict[str, Any],
) -> Sample:
    start, played, works, loops = now(device), [0], [], []
    for seed in range(seeds):
        problem, settings = _problem(config, cell, seed, device, episodes)
        settings = dataclasses.replace(settings, options=options)
        loops.append(SampledLoop(device, limit, warm_up=1))
        works.append(_work(dataclasses.replace(problem, checkpoint=loops[-1]), settings))
    player = StackedPlayer(
        problem.suite, problem.target_return, problem.precision, problem.threads
    )

    def play(requests: Sequence[Request]) -> list[Episodes]:
        found = player(requests)
        played[0] += sum(int(episodes.lengths.sum()) for episodes in found)
        return found

    began, loop = now(device), loops[0]
    with contextlib.suppress(Enough):
        play_together(works, play)
    spent = now(device) - began
    if loop.measured:
        spent = loop.set_up - (began - loop.created) + loop.total * loop.per_step
        spent *= 1 if played[0] else seeds  # without rollouts one seed after the other
    return Sample(loop, len(problem.rows), played[0] > 0, spent, began - start)


def _work(problem: TuningProblem, settings: TuneSettings) -> Work[Adaptation]:
    method = get_method(settings.kind)
    options: Any = parse_options(method.options, settings.options, "options", "")
    return lambda player: method.tune(dataclasses.replace(problem, player=player), options)


def representatives(config: Config, suite: str) -> list[Cell]:
    """One cell of each method of the run, on ``suite`` if the method has one there."""
    found: dict[str, Cell] = {}
    for cell in cells.cells(config):
        if cell[2] not in found or (cell[0] == suite and found[cell[2]][0] != suite):
            found[cell[2]] = cell
    return list(found.values())


def evaluation_rows(config: Config, cell: Cell) -> int:
    """Episodes of a seed's evaluation, if its last and best prompts differ."""
    settings = derive.evaluate(config, *cell, config["seeds"][0])
    tune, suite = derive.tune(config, *cell, config["seeds"][0]), get_suite(cell[0])
    full, short = settings.episodes, settings.curve_episodes
    if suite.deterministic_resets:
        full, short = 1, min(short, 1)
    options: Any = parse_options(get_method(tune.kind).options, tune.options, "", "")
    points = getattr(options, "iterations", getattr(options, "records", 0)) + 1
    per_prompt = full * (1 if tune.kind == "none" else 2) + short * points
    return len(tune.test_tasks) * tune.prompts_per_task * per_prompt
