"""Training tasks that a calibration tunes on in place of the test tasks."""

import argparse
import dataclasses
from collections.abc import Sequence

from trajprompt.errors import TrajpromptError
from trajprompt.settings.stages import TuneSettings

TASKS = 4  # number of training tasks, unless --tasks names them


def tasks_argument(parser: argparse.ArgumentParser) -> None:
    """Add the argument that names the training tasks."""
    parser.add_argument(
        "--tasks",
        type=int,
        nargs="+",
        metavar="TASK",
        help="indices of training tasks to tune on (default: four, evenly spread)",
    )


def on_training_tasks(
    settings: TuneSettings, tasks: Sequence[int] | None = None
) -> TuneSettings:
    """``settings`` whose test tasks are ``tasks``, or four training tasks.

    Raises TrajpromptError if one of ``tasks`` is not a training task.
    """
    chosen = tasks or spread(settings.train_tasks, TASKS)
    for task in chosen:
        if task not in settings.train_tasks:
            known = ", ".join(map(str, settings.train_tasks))
            expected = f"only training tasks of {settings.suite}: {known}"
            remedy = "give other --tasks"
            raise TrajpromptError("--tasks", f"found task {task}", expected, remedy)
    others = other_tasks(settings.train_tasks, chosen)
    return dataclasses.replace(settings, test_tasks=tuple(chosen), train_tasks=others)


def other_tasks(train: Sequence[int], tuned: Sequence[int]) -> tuple[int, ...]:
    """Training tasks without the tuned ones, for methods that learn from training tasks.

    All training tasks if none would be left, as for cheetah-dir with its two tasks.
    """
    return tuple(task for task in train if task not in tuned) or tuple(train)


def spread(tasks: Sequence[int], count: int) -> list[int]:
    """Up to ``count`` of ``tasks``, evenly spread over the list, including both ends."""
    if len(tasks) <= count:
        return list(tasks)
    return [tasks[round(i * (len(tasks) - 1) / (count - 1))] for i in range(count)]
