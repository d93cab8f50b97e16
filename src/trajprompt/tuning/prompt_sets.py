"""Prompts of a cell: the initial ones, and the sets that generating methods learn from.

Each draw has its own stream, named by its conditions and never by the method; nor by the
number and position of the segments, so that prompts that differ in these begin alike.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

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


def initial_prompts(
    settings: TuneSettings, buffers: "Buffers", backbone: "Backbone"
) -> Segments:
    """(R, P, ..): each prompt of random segments of its task's demonstrations."""
    quality, length = settings.prompt_quality, settings.prompt_length
    names = ("tune", "prompt", settings.suite, quality, length, settings.seed)
    drawn = []
    for task in settings.test_tasks:
        for number in range(settings.prompts_per_task):
            chance = torch_generator(stream(settings.run_seed, *names, task, number))
            source, level = task, quality
            if quality == ZERO_SHOT:
                train, level = settings.train_tasks, TRAINING_QUALITY
                source = train[int(torch.randint(len(train), (), generator=chance))]
            demonstrations = buffers[source].quality(level, settings.demonstrations)
            episodes = episode_tensors(demonstrations, backbone)
            drawn.append(episodes.sample_prompts(chance, 1, *_form(settings)))
    return Segments(*(torch.cat(parts) for parts in zip(*drawn, strict=True)))


def training_prompts(
    settings: TuneSettings, buffers: "Buffers", backbone: "Backbone"
) -> PromptSet:
    """(T, n, P, ..) of the training tasks' expert demonstrations."""
    return _draw(settings, buffers, backbone, settings.train_tasks, TRAINING_QUALITY)


def own_prompts(
    settings: TuneSettings, buffers: "Buffers", backbone: "Backbone"
) -> PromptSet:
    """(R, n, P, ..) of each row's own task; zero-shot, of all training tasks together."""
    per_task = settings.prompts_per_task
    if settings.prompt_quality != ZERO_SHOT:
        tasks, quality = settings.test_tasks, settings.prompt_quality
        own = _draw(settings, buffers, backbone, tasks, quality)
        return own.map(lambda values: values.repeat_interleave(per_task, dim=0))
    known = training_prompts(settings, buffers, backbone).map(lambda x: x.flatten(0, 1))
    names = ("tune", "zero-shot prompts", settings.suite, settings.seed)
    chance = torch_generator(stream(settings.run_seed, *names))
    rows = len(settings.test_tasks) * per_task
    chosen = torch.randint(len(known.rewards), (rows, SET_SIZE), generator=chance)
    return known.select(chosen.to(known.rewards.device))


def arms(
    settings: TuneSettings, buffers: "Buffers", backbone: "Backbone"
) -> list[Segments]:
    """R times (A, H, ..): all windows of the demonstrations of each row's task."""
    found = []
    for task in settings.test_tasks:
        level = buffers[task].quality(settings.prompt_quality, settings.demonstrations)
        own = episode_tensors(level, backbone).windows(settings.prompt_length)
        found += own * settings.prompts_per_task
    return found


def episode_tensors(task: "TaskTrajectories", backbone: "Backbone") -> EpisodeTensors:
    """Episodes of one task as ``backbone`` reads them."""
    normaliser = backbone.normaliser.to("cpu")  # the table is built there, then moved
    return EpisodeTensors([task], normaliser, backbone.return_scale, backbone.device)


def _draw(
    settings: TuneSettings,
    buffers: "Buffers",
    backbone: "Backbone",
    tasks: Iterable[int],
    quality: str,
) -> PromptSet:
    """(tasks, SET_SIZE, P, ..): draws from the demonstrations of each task."""
    length = settings.prompt_length
    names = ("tune", "prompt set", settings.suite, quality, length, settings.seed)
    drawn = []
    for task in tasks:
        demonstrations = buffers[task].quality(quality, settings.demonstrations)
        episodes = episode_tensors(demonstrations, backbone)
        chance = torch_generator(stream(settings.run_seed, *names, task))
        drawn.append(episodes.sample_transitions(chance, SET_SIZE, *_form(settings)))
    prompts, rewards = zip(*drawn, strict=True)
    joined = Segments(*(torch.cat(parts) for parts in zip(*prompts, strict=True)))
    return PromptSet(joined, torch.cat(rewards))


def _form(settings: TuneSettings) -> tuple[int, int, str]:
    """Of the prompts, as the samplers of `EpisodeTensors` take it."""
    return settings.prompt_length, settings.prompt_segments, settings.prompt_position
