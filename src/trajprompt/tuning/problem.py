"""Builds the tuning problem of a cell: rows, initial prompts and the offline samples.

Prompts and samples depend on their own conditions only, never on the method, so
that methods are compared on equal terms (paired by task, prompt and seed).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch

from trajprompt.errors import TrajpromptError
from trajprompt.seeds import stream, torch_generator
from trajprompt.settings import TuneSettings
from trajprompt.tasks.suites import get_suite
from trajprompt.trajectories.segments import EpisodeTensors, Segments
from trajprompt.tuning.protocol import TuningProblem
from trajprompt.tuning.samples import BufferSamples, FixedSamples, Samples

if TYPE_CHECKING:
    from trajprompt.models.backbone import Backbone
    from trajprompt.trajectories.store import TaskTrajectories


def build_problem(
    settings: TuneSettings,
    buffers: Mapping[int, "TaskTrajectories"],
    backbone: "Backbone",
) -> TuningProblem:
    """The problem of one cell; only the method's own stream depends on the method."""
    for task in settings.test_tasks:
        if task not in buffers:
            held = ", ".join(str(known) for known in sorted(buffers))
            raise TrajpromptError(
                f"{settings.suite} data", f"no task {task}", f"one of {held}"
            )
    per_task = settings.prompts_per_task
    names = ("tune", settings.suite, settings.setting, settings.method, settings.seed)
    prompts = None
    if backbone.config.uses_prompt:
        prompts = _initial_prompts(settings, buffers, backbone)
    return TuningProblem(
        suite=get_suite(settings.suite),
        rows=np.repeat(np.array(settings.test_tasks, np.int64), per_task),
        prompts=np.tile(np.arange(per_task), len(settings.test_tasks)),
        backbone=backbone,
        initial_prompts=prompts,
        samples=_samples(settings, buffers, backbone),
        target_return=settings.target_return,
        stream=stream(settings.run_seed, *names),
        threads=settings.threads,
        precision=settings.precision,
    )


def _initial_prompts(
    settings: TuneSettings, buffers: Mapping[int, "TaskTrajectories"], backbone: "Backbone"
) -> Segments:
    """(R, P, ..): each prompt the end of a random demonstration of its task."""
    quality, length = settings.prompt_quality, settings.prompt_length
    names = ("tune", "prompt", settings.suite, quality, length, settings.seed)
    drawn = []
    for task in settings.test_tasks:
        level = buffers[task].quality(quality, settings.demonstrations)
        episodes = _tensors(level, backbone)
        for number in range(settings.prompts_per_task):
            chance = stream(settings.run_seed, *names, task, number)
            drawn.append(episodes.sample_prompts(torch_generator(chance), 1, length))
    return Segments(*(torch.cat(parts) for parts in zip(*drawn, strict=True)))


def _samples(
    settings: TuneSettings, buffers: Mapping[int, "TaskTrajectories"], backbone: "Backbone"
) -> Samples:
    """The offline data of each row; rows of a task share it."""
    length, per_task = backbone.config.context_length, settings.prompts_per_task
    episodes = [
        _tensors(_level(buffers[task], settings), backbone) for task in settings.test_tasks
    ]
    if not isinstance(settings.samples, int):
        return BufferSamples([e for e in episodes for _ in range(per_task)], length)
    names = ("tune", "samples", settings.suite, settings.data_quality)
    fixed = []
    for task, source in zip(settings.test_tasks, episodes, strict=True):
        chance = stream(settings.run_seed, *names, settings.samples, settings.seed, task)
        fixed.append(source.draw(torch_generator(chance), settings.samples, length))
    segments = Segments(*(torch.cat(parts) for parts in zip(*fixed, strict=True)))
    return FixedSamples(segments.repeat_interleave(per_task))


def _level(task: "TaskTrajectories", settings: TuneSettings) -> "TaskTrajectories":
    if settings.data_quality == "full":
        return task.last_fraction(settings.data_fraction)  # what pretraining sees of a task
    return task.quality(settings.data_quality, settings.demonstrations)


def _tensors(task: "TaskTrajectories", backbone: "Backbone") -> EpisodeTensors:
    normaliser = backbone.normaliser.to("cpu")  # the table is built there, then moved
    return EpisodeTensors([task], normaliser, backbone.return_scale, backbone.device)
