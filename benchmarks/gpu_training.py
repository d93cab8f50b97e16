"""Speed of collection and pretraining, for benchmarks/gpu.py."""

import contextlib
import dataclasses
from typing import Any

import numpy as np
import operations
import torch
from gpu_data import Config, data
from gpu_machine import Enough, SampledLoop, now, seconds_per_call

from trajprompt.collect.algorithms import collect
from trajprompt.collect.loop import schedule
from trajprompt.collect.options import KINDS
from trajprompt.config import cells, derive
from trajprompt.models.pretraining import (
    backbone_config,
    fresh_model,
    training_sampler,
)
from trajprompt.models.pretraining_data import PretrainData, prepare
from trajprompt.models.prompt_dt import backbone_inputs
from trajprompt.models.stacked_pretraining import new_member
from trajprompt.models.stacked_training import train_stack
from trajprompt.models.training import train
from trajprompt.numerics.device import resolve_precision
from trajprompt.settings.options import parse_together
from trajprompt.settings.stages import CollectSettings, PretrainSettings
from trajprompt.tasks.registry import get_suite, make_simulator

# Lockstep steps after the random phase that a shortened collection may take.
SHORT = 10  # episodes per row


def collect_suite(
    settings: CollectSettings, device: torch.device, limit: float
) -> dict[str, Any]:
    """Rates of a collection by agents, and the projected seconds of its full length."""
    suite = get_suite(settings.suite)
    loop, agent, *_ = parse_together(KINDS[settings.algorithm], settings.options, "collect")
    full = schedule(loop, suite.horizon)
    rows, per_task = len(settings.tasks) * loop.rows_per_task, loop.rows_per_task
    short = {"random_episodes": per_task, "greedy_episodes": 0}
    short["episodes_per_task"] = SHORT * per_task
    shortened = dataclasses.replace(settings, options={**settings.options, **short})
    sampled = SampledLoop(device, limit, first=suite.horizon)
    with contextlib.suppress(Enough):
        collect(shortened, suite, device, sampled)
    tasks = np.repeat(np.array(settings.tasks), per_task)
    simulator = make_simulator(suite, tasks, settings.threads)
    simulator.reset(np.arange(rows))
    actions = np.zeros((rows, suite.action_dim), np.float32)
    physics = seconds_per_call(lambda: simulator.step(actions), device, 0.3)
    agents = 1 if "goal" in settings.algorithm else len(settings.tasks)
    rate = loop.updates_per_step / sampled.per_step
    flops = agents * operations.update(suite, agent) * rate
    learning = full.greedy_from - full.random_until
    others = full.total - learning
    return {
        "suite": suite.name,
        "algorithm": settings.algorithm,
        "rows": rows,
        "agents": agents,
        "control_steps_per_s": rows / sampled.per_step,
        "batched_updates_per_s": rate,
        "agent_updates_per_s": agents * rate,
        "dtype": str(resolve_precision(agent.precision, device)),
        "tflops": flops / 1e12,
        "physics_steps_per_s": rows / physics,
        "projected_s": learning * sampled.per_step + others * physics,
    }


def scripted_suite(settings: CollectSettings, device: torch.device) -> dict[str, Any]:
    """Projected seconds of a scripted collection, from three episodes per task."""
    suite = get_suite(settings.suite)
    short = dataclasses.replace(settings, options={**settings.options, "episodes": 3})
    start = now(device)
    collect(short, suite, device)
    spent = now(device) - start
    return {
        "suite": suite.name,
        "algorithm": "scripted",
        "control_steps_per_s": 3 * len(settings.tasks) * suite.horizon / spent,
        "projected_s": spent * settings.options["episodes"] / 3,
    }


def pretrain_rate(
    settings: PretrainSettings,
    device: torch.device,
    episodes: int,
    limit: float,
    stack: int,
    graphs: bool,
) -> dict[str, Any]:
    """Training steps per second of a stack of seeds; ``stack`` 0: the unstacked code."""
    resident = prepare(
        data(settings.suite, settings.train_tasks, episodes),
        1.0,
        min(episodes, settings.demonstrations),
        min(episodes, settings.data_trajectories),
        settings.return_scale,
        device,
    )
    sampled = SampledLoop(device, limit)
    seeds = [dataclasses.replace(settings, seed=seed) for seed in range(max(1, stack))]
    batch = settings.batch_per_task * len(settings.train_tasks)
    with contextlib.suppress(Enough):
        _train(seeds, resident, device, sampled, graphs if stack else None)
    config = backbone_config(get_suite(settings.suite), settings.kind, settings.sizes)
    steps = prompt_steps(settings)
    sequences = len(seeds) * batch / sampled.per_step
    return {
        "suite": settings.suite,
        "backbone": settings.backbone,
        "code": "stacked" if stack else "unstacked",
        "seeds": len(seeds),
        "graphs": graphs and device.type == "cuda",
        "batch": batch,
        "steps_per_s": 1 / sampled.per_step,
        "sequences_per_s": sequences,
        "dtype": str(resolve_precision(settings.training.precision, device)),
        "tflops": sequences * operations.training(config, steps) / 1e12,
        "tokens": tokens(settings),
        "per_step_s": sampled.per_step,
    }


def _train(
    settings: list[PretrainSettings],
    resident: PretrainData,
    device: torch.device,
    sampled: SampledLoop,
    graphs: bool | None,
) -> None:
    """Train seeds as a stack; if ``graphs`` is None, the first one by the other code."""
    first = settings[0]
    if graphs is None:
        model, sampler = fresh_model(first, device), training_sampler(first, resident)
        train(model, sampler, first.training, "gpu", checkpoint=sampled)
        return
    members = [new_member(one, resident, device) for one in settings]
    batch = first.batch_per_task * len(first.train_tasks)
    train_stack(members, batch, first.training, "gpu", checkpoint=sampled, graphs=graphs)


def prompt_steps(settings: PretrainSettings) -> int:
    """Steps of the prompts of a backbone; 0 if it takes none."""
    takes = backbone_inputs(settings.kind).prompt
    return settings.prompt.segments * settings.prompt.length if takes else 0


def tokens(settings: PretrainSettings) -> int:
    """Tokens of one seed's batch."""
    places = 3 if backbone_inputs(settings.kind).returns else 2
    per_sequence = 3 * prompt_steps(settings) + places * settings.sizes.context_length
    return settings.batch_per_task * len(settings.train_tasks) * per_sequence


def backbones(config: Config) -> list[PretrainSettings]:
    """Settings of every backbone of the run, for its first seed."""
    pairs = cells.backbones(config)
    return [derive.pretrain(config, *pair, config["seeds"][0]) for pair in pairs]
