"""Construction of the tuning problem of a cell: rows, prompts and offline samples.

Prompts and samples depend only on their conditions, never on the method. Methods are
therefore compared on equal terms (paired by task, prompt and seed).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch

from trajprompt.errors import TrajpromptError
from trajprompt.seeds import torch_generator
from trajprompt.settings.stages import TuneSettings
from trajprompt.tasks.suites import Suite
from trajprompt.trajectories.segments import Segments
from trajprompt.tuning.prompt_sets import (
    ZERO_SHOT,
    CellData,
    arms,
    episode_tensors,
    initial_prompts,
    row_prompts,
    training_prompts,
)
from trajprompt.tuning.protocol import TuningProblem
from trajprompt.tuning.registry import get_method
from trajprompt.tuning.samples import BufferSamples, FixedSamples, Samples

if TYPE_CHECKING:
    from trajprompt.models.backbone import Backbone
    from trajprompt.models.cmt.relabelled import Relabelled
    from trajprompt.trajectories.episodes import TaskEpisodes


def build_problem(
    settings: TuneSettings,
    suite: Suite,
    buffers: Mapping[int, "TaskEpisodes"],
    backbone: "Backbone",
    relabelled: "tuple[Relabelled, torch.Tensor] | None" = None,
) -> TuningProblem:
    """Build the problem of one cell; of its random streams only ``stream`` is the method's.

    Raises TrajpromptError if ``buffers`` lacks one of the tasks of `tasks_read`.
    """
    for task in tasks_read(settings):
        if task not in buffers:
            available = ", ".join(str(known) for known in sorted(buffers))
            where, found = f"trajectories of {settings.suite}", f"found no task {task}"
            expected = f"all tasks of the job; the file has {available}"
            raise TrajpromptError(where, found, expected, "run `trajprompt collect` again")
    per_task = settings.prompts_per_task
    cell, seed = CellData(settings, buffers, backbone), settings.seed
    method = get_method(settings.kind)
    reads_training = method.reads_training_tasks
    return TuningProblem(
        suite=suite,
        rows=np.repeat(np.array(settings.test_tasks, np.int64), per_task),
        prompts=np.tile(np.arange(per_task), len(settings.test_tasks)),
        backbone=backbone,
        initial_prompts=initial_prompts(cell) if backbone.config.uses_prompt else None,
        samples=_samples(cell),
        target_return=settings.target_return,
        stream=cell.stream(suite.name, settings.condition, settings.method, seed),
        threads=settings.threads,
        precision=settings.precision,
        engine=settings.engine,
        training_prompts=training_prompts(cell) if reads_training else None,
        prompt_set=row_prompts(cell) if reads_training else None,
        prompt_segments=settings.prompt.segments,
        arms=arms(cell) if method.reads_arms else None,
        relabelled=relabelled,
        shared_stream=cell.stream(suite.name, seed),
    )


def tasks_read(settings: TuneSettings) -> tuple[int, ...]:
    """Return the tasks whose data a cell needs: training tasks only if they are used."""
    reads_training = get_method(settings.kind).reads_training_tasks
    if not reads_training and settings.prompt_quality != ZERO_SHOT:
        return settings.test_tasks
    return tuple(sorted({*settings.train_tasks, *settings.test_tasks}))


def _samples(cell: CellData) -> Samples:
    """Return the offline data of each row; rows of a task share it."""
    settings = cell.settings
    length, per_task = cell.backbone.config.context_length, settings.prompts_per_task
    # Lazy: fixed samples need the data of one task at a time.
    episodes = (
        episode_tensors(_level(cell.buffers[task], settings), cell.backbone)
        for task in settings.test_tasks
    )
    if not isinstance(settings.samples, int):
        return BufferSamples([e for e in episodes for _ in range(per_task)], length)
    # Not named by the number of samples: fewer samples are the first ones of more.
    names = ("samples", settings.suite, settings.data_quality)
    fixed = []
    for task, source in zip(settings.test_tasks, episodes, strict=True):
        seeds = cell.stream(*names, settings.seed, task)
        fixed.append(source.draw(torch_generator(seeds), settings.samples, length))
    segments = Segments(*(torch.cat(parts) for parts in zip(*fixed, strict=True)))
    return FixedSamples(segments.repeat_interleave(per_task))


def _level(task: "TaskEpisodes", settings: TuneSettings) -> "TaskEpisodes":
    if settings.data_quality == "full":
        return task.last_fraction(settings.data_fraction)  # the part that pretraining uses
    return task.pool(settings.data_quality, settings.data_trajectories)
