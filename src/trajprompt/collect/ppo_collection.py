"""Collection by PPO: one policy learns all tasks of a suite at once."""

import numpy as np
import torch

from trajprompt.artifacts.checkpoint import Checkpoint
from trajprompt.collect.options import PpoLengthOptions, PpoOptions, TeacherOptions
from trajprompt.collect.ppo_teacher import PpoTeacher
from trajprompt.collect.ppo_views import shared_view
from trajprompt.errors import TrajpromptError
from trajprompt.settings.stages import CollectSettings
from trajprompt.tasks.registry import make_simulator
from trajprompt.tasks.suites import Suite
from trajprompt.trajectories.episodes import TaskTrajectories


def collect_by_ppo(
    suite: Suite,
    tasks: np.ndarray,
    settings: CollectSettings,
    length: PpoLengthOptions,
    options: PpoOptions,
    checkpoint: Checkpoint,
) -> list[TaskTrajectories]:
    """All complete episodes of every task; the rows are divided among the tasks."""
    torch.set_num_threads(1)
    each, left = divmod(options.rows, len(tasks))  # rows of a task
    where = f"collect.{suite.name}"
    if left or not each:
        expected = f"a multiple of {len(tasks)}, the number of tasks"
        found, remedy = f"found {options.rows}", "correct this key in the config"
        raise TrajpromptError(f"{where}.options.rows", found, expected, remedy)
    row_tasks = tasks.repeat(each)
    steps = -(-length.episodes_per_task // each) * suite.horizon * options.rows
    learner = PpoTeacher(
        make_simulator(suite, row_tasks, settings.threads),
        options,
        TeacherOptions(steps=steps, snapshot_every=steps),
        settings.run_seed,
        ("collect", suite.name, "ppo"),
        shared_view(suite, row_tasks),
        where,
    )
    for update in checkpoint.steps(learner.total, learner, f"collect {suite.name}"):
        learner.advance(update)
    attributes = {"algorithm": settings.algorithm, "seed": settings.run_seed}
    return [learner.recorder.trajectories(int(task), attributes) for task in tasks]
