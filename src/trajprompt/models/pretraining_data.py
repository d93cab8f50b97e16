"""Data of pretraining: training episodes, demonstrations and a held-out set."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from trajprompt.models.prompt_dt import PromptDT, action_loss
from trajprompt.models.training import Batch
from trajprompt.settings.sizes import PromptForm
from trajprompt.trajectories.episode_table import EpisodeTable
from trajprompt.trajectories.episode_tensors import EpisodeTensors
from trajprompt.trajectories.episodes import TaskEpisodes
from trajprompt.trajectories.normaliser import Normaliser
from trajprompt.trajectories.segments import Segments

HELD_OUT_EVERY = 20  # one episode in 20 of each training task is for validation
Task = TypeVar("Task", bound=TaskEpisodes)


@dataclass(frozen=True)
class PretrainData:
    """Episodes of the training tasks only, on one device."""

    contexts: EpisodeTensors
    validation: EpisodeTensors  # other episodes of the same tasks
    demonstrations: EpisodeTensors  # prompts come from these
    normaliser: Normaliser


def held_out(task: TaskEpisodes) -> np.ndarray:
    """Mask (E,) of the episodes for validation; none of a single episode."""
    episodes = np.arange(task.num_episodes)
    if len(episodes) < 2:
        return np.zeros(1, bool)
    return episodes % HELD_OUT_EVERY == min(HELD_OUT_EVERY, len(episodes)) // 2


def hold_out(task: Task) -> tuple[Task, Task]:
    """Split into training and validation episodes; a single episode is used for both."""
    held = held_out(task)
    if not held.any():
        return task, task
    return task.select(np.flatnonzero(~held)), task.select(np.flatnonzero(held))


def prepare(
    tasks: Sequence[TaskEpisodes],
    data_fraction: float,
    demonstrations: int,
    data_trajectories: int,
    return_scale: float,
    device: torch.device | str,
    folder: Path | None = None,
) -> PretrainData:
    """Split the last ``data_fraction`` of each task's episodes; fit the normaliser.

    Prompts come from the best ``demonstrations`` of the last ``data_trajectories`` episodes
    of each task (`TaskEpisodes.demonstrations`). The normaliser is fitted to the training
    part. Large tables are temporary files in ``folder``.
    """
    experts = [
        task.demonstrations("expert", demonstrations, data_trajectories) for task in tasks
    ]
    used = [task.last_fraction(data_fraction) for task in tasks]
    prompts = EpisodeTable.of(experts, return_scale, device, folder)
    training, validation = (
        EpisodeTable(part, return_scale, device, folder)
        for part in zip(*map(hold_out, used), strict=True)
    )
    for task in used:
        _read_once(task, training, validation)
    normaliser = Normaliser.fit(training.close())
    return PretrainData(
        EpisodeTensors(training, normaliser),
        EpisodeTensors(validation.close(), normaliser),
        EpisodeTensors(prompts, normaliser),
        normaliser,
    )


def _read_once(
    task: TaskEpisodes, training: EpisodeTable, validation: EpisodeTable
) -> None:
    """Append the task's episodes to the tables, split as by `hold_out`."""
    held, first = held_out(task), 0
    for part in task.split():
        read, mask = part.read(), held[first : first + part.num_episodes]
        first += part.num_episodes
        training.append(read.select(np.flatnonzero(~mask)))
        validation.append(read.select(np.flatnonzero(mask)) if held.any() else read)


@dataclass(frozen=True)
class Sampler:
    """Sampler of batches: contexts, each with a random prompt of its task."""

    contexts: EpisodeTensors
    demonstrations: EpisodeTensors | None  # None for a backbone without prompts
    generator: torch.Generator
    per_task: int
    context_length: int
    prompt: PromptForm

    def __call__(self) -> Batch:
        """Draw contexts (tasks * per_task, K, ..), tasks in order, each with a prompt."""
        generator, count = self.generator, self.per_task
        contexts = self.contexts.sample_contexts(generator, count, self.context_length)
        if self.demonstrations is None:
            return contexts, None
        form = self.prompt
        return contexts, self.demonstrations.sample_prompts(
            generator, count, form.length, form.segments, form.position
        )


@dataclass(frozen=True)
class Validation:
    """Action loss on a fixed set of segments."""

    model: PromptDT
    contexts: Segments
    prompts: Segments | None

    def __call__(self) -> float:
        chunks = torch.arange(self.contexts.leading[0]).split(128)
        total = torch.zeros(())
        for chunk in chunks:
            rows = chunk.to(self.contexts.mask.device)
            context = self.contexts.select(rows)
            prompt = self.prompts.select(rows) if self.prompts is not None else None
            loss = action_loss(self.model(context, prompt), context)
            total += loss.cpu() * context.mask.sum().cpu()
        return float(total / self.contexts.mask.sum().cpu())
