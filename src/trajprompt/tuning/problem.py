"""Builds the tuning problem of a cell: rows, initial prompts and the offline samples.

Prompts and samples depend on the names of their conditions only, never on the method, so
that methods are compared on equal terms (paired by task, prompt and seed).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from trajprompt.errors import TrajpromptError
from trajprompt.seeds import stream, torch_generator
from trajprompt.tasks.suites import get_suite
from trajprompt.trajectories.segments import EpisodeTensors, Segments
from trajprompt.tuning.protocol import TuningProblem
from trajprompt.tuning.samples import BufferSamples, FixedSamples, Samples

if TYPE_CHECKING:
    from trajprompt.models.backbone import Backbone
    from trajprompt.trajectories.store import TaskTrajectories


@dataclass(frozen=True)
class Conditions:
    """Everything about a cell but its method."""

    suite: str
    tasks: tuple[int, ...]
    seed: int
    run_seed: int
    prompt_quality: str  # expert, medium or random
    prompt_length: int  # K*, control steps
    prompts_per_task: int
    data_quality: str  # expert, medium, random, or full: the whole replay buffer
    samples: int | str  # contexts per task that offline methods may use, or "all"
    demonstrations: int  # episodes of a quality level
    target_return: float
    precision: str
    threads: int


def build_problem(
    conditions: Conditions,
    buffers: Mapping[int, "TaskTrajectories"],
    backbone: "Backbone",
    chance: np.random.SeedSequence,
) -> TuningProblem:
    """The problem of ``conditions``; ``chance`` is the method's own stream."""
    for task in conditions.tasks:
        if task not in buffers:
            held = ", ".join(str(known) for known in sorted(buffers))
            raise TrajpromptError(
                f"{conditions.suite} data", f"no task {task}", f"one of {held}"
            )
    per_task = conditions.prompts_per_task
    prompts = None
    if backbone.config.uses_prompt:
        prompts = _initial_prompts(conditions, buffers, backbone)
    return TuningProblem(
        suite=get_suite(conditions.suite),
        rows=np.repeat(np.array(conditions.tasks, np.int64), per_task),
        prompts=np.tile(np.arange(per_task), len(conditions.tasks)),
        backbone=backbone,
        initial_prompts=prompts,
        samples=_samples(conditions, buffers, backbone),
        target_return=conditions.target_return,
        stream=chance,
        threads=conditions.threads,
        precision=conditions.precision,
    )


def _initial_prompts(
    conditions: Conditions, buffers: Mapping[int, "TaskTrajectories"], backbone: "Backbone"
) -> Segments:
    """(R, P, ..): each prompt the end of a random demonstration of its task."""
    quality, length = conditions.prompt_quality, conditions.prompt_length
    names = ("tune", "prompt", conditions.suite, quality, length, conditions.seed)
    drawn = []
    for task in conditions.tasks:
        level = buffers[task].quality(quality, conditions.demonstrations)
        episodes = _tensors(level, backbone)
        for number in range(conditions.prompts_per_task):
            chance = stream(conditions.run_seed, *names, task, number)
            drawn.append(episodes.sample_prompts(torch_generator(chance), 1, length))
    return Segments(*(torch.cat(parts) for parts in zip(*drawn, strict=True)))


def _samples(
    conditions: Conditions, buffers: Mapping[int, "TaskTrajectories"], backbone: "Backbone"
) -> Samples:
    """The offline data of each row; rows of a task share it."""
    length, per_task = backbone.config.context_length, conditions.prompts_per_task
    episodes = [
        _tensors(_level(buffers[task], conditions), backbone) for task in conditions.tasks
    ]
    if not isinstance(conditions.samples, int):
        return BufferSamples([e for e in episodes for _ in range(per_task)], length)
    names = ("tune", "samples", conditions.suite, conditions.data_quality)
    fixed = []
    for task, source in zip(conditions.tasks, episodes, strict=True):
        chance = stream(
            conditions.run_seed, *names, conditions.samples, conditions.seed, task
        )
        fixed.append(source.draw(torch_generator(chance), conditions.samples, length))
    segments = Segments(*(torch.cat(parts) for parts in zip(*fixed, strict=True)))
    return FixedSamples(segments.repeat_interleave(per_task))


def _level(task: "TaskTrajectories", conditions: Conditions) -> "TaskTrajectories":
    if conditions.data_quality == "full":
        return task
    return task.quality(conditions.data_quality, conditions.demonstrations)


def _tensors(task: "TaskTrajectories", backbone: "Backbone") -> EpisodeTensors:
    normaliser = backbone.normaliser.to("cpu")  # the table is built there, then moved
    return EpisodeTensors([task], normaliser, backbone.return_scale, backbone.device)
