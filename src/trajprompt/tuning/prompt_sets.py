"""Prompts of a cell: the initial ones, and the sets that generating methods learn from.

Each draw has its own stream, named by its conditions and never by the method; nor by the
number and position of the segments, so that prompts that differ in these begin alike.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from trajprompt.seeds import stream, torch_generator
from trajprompt.settings.stages import TuneSettings
from trajprompt.trajectories.episode_tensors import EpisodeTensors
from trajprompt.trajectories.segments import PromptSet, Segments

if TYPE_CHECKING:
    from trajprompt.models.backbone import Backbone
    from trajprompt.trajectories.store import TaskTrajectories

    Buffers = Mapping[int, TaskTrajectories]

SET_SIZE = 256  # PTDT §5.4: the last, middle or first 256 trajectories
# A prompt quality: nothing of the test task is used, its prompt is a training task's
# (PD's Table 9 does not say which condition its zero-shot prompts are generated for).
ZERO_SHOT = "training"
TRAINING_QUALITY = "expert"  # what the backbone has seen as prompts of training tasks


@dataclass(frozen=True)
class CellData:
    """What prompts and samples of a cell are drawn from."""

    settings: TuneSettings
    buffers: "Buffers"  # of the tasks that the cell reads
    backbone: "Backbone"  # which the draws are for

    def stream(self, *names: object) -> np.random.SeedSequence:
        """A random stream of the run's tuning stage."""
        return stream(self.settings.run_seed, "tune", *names)

    def demonstrations(self, task: int, quality: str) -> EpisodeTensors:
        """The demonstrations of a task, as the backbone reads them."""
        found = self.buffers[task].quality(quality, self.settings.demonstrations)
        return episode_tensors(found, self.backbone)


def initial_prompts(cell: CellData) -> Segments:
    """(R, P, ..): each prompt of random segments of its task's demonstrations."""
    settings, form = cell.settings, cell.settings.prompt
    quality, seed = settings.prompt_quality, settings.seed
    drawn = []
    for task in settings.test_tasks:
        for number in range(settings.prompts_per_task):
            names = (settings.suite, quality, form.length, seed, task, number)
            generator = torch_generator(cell.stream("prompt", *names))
            source, level = task, quality
            if quality == ZERO_SHOT:
                train, level = settings.train_tasks, TRAINING_QUALITY
                source = train[int(torch.randint(len(train), (), generator=generator))]
            episodes = cell.demonstrations(source, level)
            prompts = episodes.sample_prompts(
                generator, 1, form.length, form.segments, form.position
            )
            drawn.append(prompts)
    return Segments(*(torch.cat(parts) for parts in zip(*drawn, strict=True)))


def training_prompts(cell: CellData) -> PromptSet:
    """(T, n, P, ..) of the training tasks' expert demonstrations."""
    return _draw(cell, cell.settings.train_tasks, TRAINING_QUALITY)


def own_prompts(cell: CellData) -> PromptSet:
    """(R, n, P, ..) of each row's own task; zero-shot, of all training tasks together."""
    settings = cell.settings
    per_task = settings.prompts_per_task
    if settings.prompt_quality != ZERO_SHOT:
        own = _draw(cell, settings.test_tasks, settings.prompt_quality)
        return own.map(lambda values: values.repeat_interleave(per_task, dim=0))
    known = training_prompts(cell).map(lambda x: x.flatten(0, 1))
    names = ("zero-shot prompts", settings.suite, settings.seed)
    generator = torch_generator(cell.stream(*names))
    rows = len(settings.test_tasks) * per_task
    chosen = torch.randint(len(known.rewards), (rows, SET_SIZE), generator=generator)
    return known.select(chosen.to(known.rewards.device))


def arms(cell: CellData) -> list[Segments]:
    """R times (A, H, ..): all windows of the demonstrations of each row's task."""
    settings = cell.settings
    found = []
    for task in settings.test_tasks:
        episodes = cell.demonstrations(task, settings.prompt_quality)
        found += episodes.windows(settings.prompt.length) * settings.prompts_per_task
    return found


def episode_tensors(task: "TaskTrajectories", backbone: "Backbone") -> EpisodeTensors:
    """Episodes of one task as ``backbone`` reads them."""
    normaliser = backbone.normaliser.to("cpu")  # the table is built there, then moved
    return EpisodeTensors([task], normaliser, backbone.return_scale, backbone.device)


def _draw(cell: CellData, tasks: Iterable[int], quality: str) -> PromptSet:
    """(tasks, SET_SIZE, P, ..): draws from the demonstrations of each task."""
    suite, seed, form = cell.settings.suite, cell.settings.seed, cell.settings.prompt
    drawn = []
    for task in tasks:
        names = ("prompt set", suite, quality, form.length, seed, task)
        generator = torch_generator(cell.stream(*names))
        episodes = cell.demonstrations(task, quality)
        found = episodes.sample_transitions(
            generator, SET_SIZE, form.length, form.segments, form.position
        )
        drawn.append(found)
    prompts, rewards = zip(*drawn, strict=True)
    joined = Segments(*(torch.cat(parts) for parts in zip(*prompts, strict=True)))
    return PromptSet(joined, torch.cat(rewards))
