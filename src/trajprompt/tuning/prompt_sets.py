"""Prompts of a cell: the initial prompts, and the sets that generating methods learn from.

Each draw has a separate stream, named by its conditions but never by the method. The number
and position of the segments are not part of the name either: prompts that differ only in
these start from the same draws.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from trajprompt.seeds import stream, torch_generator
from trajprompt.settings.stages import TuneSettings
from trajprompt.trajectories.episode_table import EpisodeTable
from trajprompt.trajectories.episode_tensors import EpisodeTensors
from trajprompt.trajectories.segments import PromptSet, Segments

if TYPE_CHECKING:
    from trajprompt.models.backbone import Backbone
    from trajprompt.trajectories.episodes import TaskEpisodes

    Buffers = Mapping[int, TaskEpisodes]

SET_SIZE = 256  # PTDT §5.4: the last, middle or first 256 trajectories
# A prompt quality: nothing of the test task is used; its prompt is a training task's.
# PD's Table 9 does not state for which condition its zero-shot prompts are generated.
ZERO_SHOT = "training"
TRAINING_QUALITY = "expert"  # of the prompts of training tasks in pretraining


@dataclass(frozen=True)
class CellData:
    """Sources of the prompts and samples of a cell."""

    settings: TuneSettings
    buffers: "Buffers"  # of the tasks that the cell reads
    backbone: "Backbone"  # reads the draws

    def stream(self, *names: object) -> np.random.SeedSequence:
        """Return a random stream of the run's tuning stage."""
        return stream(self.settings.run_seed, "tune", *names)

    def demonstrations(self, task: int, quality: str) -> EpisodeTensors:
        """Return the demonstrations of a task, in the form that the backbone reads."""
        sizes = self.settings.demonstrations, self.settings.data_trajectories
        found = self.buffers[task].demonstrations(quality, *sizes)
        return episode_tensors(found, self.backbone)


def initial_prompts(cell: CellData) -> Segments:
    """Draw prompts (R, P, ..) of random segments of each task's demonstrations."""
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
    """Draw prompts (T, n, P, ..) from the training tasks' expert demonstrations."""
    return _draw(cell, cell.settings.train_tasks, TRAINING_QUALITY)


def row_prompts(cell: CellData) -> PromptSet:
    """Draw prompts (R, n, P, ..) of each row's task; zero-shot, of all training tasks."""
    settings = cell.settings
    per_task = settings.prompts_per_task
    if settings.prompt_quality != ZERO_SHOT:
        found = _draw(cell, settings.test_tasks, settings.prompt_quality)
        return found.map(lambda values: values.repeat_interleave(per_task, dim=0))
    known = training_prompts(cell).map(lambda x: x.flatten(0, 1))
    names = ("zero-shot prompts", settings.suite, settings.seed)
    generator = torch_generator(cell.stream(*names))
    rows = len(settings.test_tasks) * per_task
    chosen = torch.randint(len(known.rewards), (rows, SET_SIZE), generator=generator)
    return known.select(chosen.to(known.rewards.device))


def arms(cell: CellData) -> list[Segments]:
    """Return R times (A, H, ..): all windows of the demonstrations of each row's task."""
    settings = cell.settings
    found = []
    for task in settings.test_tasks:
        episodes = cell.demonstrations(task, settings.prompt_quality)
        found += episodes.windows(settings.prompt.length) * settings.prompts_per_task
    return found


def episode_tensors(task: "TaskEpisodes", backbone: "Backbone") -> EpisodeTensors:
    """Return the episodes of one task in the form that ``backbone`` reads."""
    table = EpisodeTable.of([task], backbone.return_scale, backbone.device)
    return EpisodeTensors(table, backbone.normaliser)


def _draw(cell: CellData, tasks: Iterable[int], quality: str) -> PromptSet:
    """Draw prompts (tasks, SET_SIZE, P, ..) from the demonstrations of each task."""
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
