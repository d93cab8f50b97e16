"""Transitions of several tasks, and the meta-batches that are drawn from them.

The items of the training are tasks. `training.OfflineTraining` draws their numbers with
replacement, so that a task occurs twice in a meta-batch: such pairs are the positive ones
of the distance metric. The learner then draws transitions of these tasks with its noise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from trajprompt.offline.noise import Noise
from trajprompt.trajectories.episodes import TaskTrajectories
from trajprompt.trajectories.transitions import Batch, Transitions


class MetaBatch(NamedTuple):
    """Transitions of M tasks for a stack of T learners."""

    tasks: Tensor  # (T, M) numbers of the tasks; a task may occur more than once
    context: Tensor  # (T, M, n, C) as of `context_of`
    transitions: Batch  # (T, M * B, ..), the B transitions of each task in a row


@dataclass(frozen=True)
class TaskTable:
    """Transitions of all tasks, one task after the other."""

    rows: Transitions
    first: Tensor  # (K,) first row of each task
    count: Tensor  # (K,) its number of rows, at most 2^24: places are float32

    @classmethod
    def of(
        cls,
        tasks: Sequence[TaskTrajectories],
        mean: np.ndarray,
        std: np.ndarray,
        device: str | torch.device,
    ) -> "TaskTable":
        """Transitions of ``tasks``, whose states are all (state - mean) / std.

        Rewards keep their scale, because they are in contexts too.
        """
        return cls.joined([Transitions.of(task, mean, std, device) for task in tasks])

    @classmethod
    def joined(cls, parts: Sequence[Transitions]) -> "TaskTable":
        """One table of the tables of each task."""
        table = torch.cat([part.table for part in parts])
        count = torch.tensor([len(part) for part in parts], device=table.device)
        return cls(Transitions(table, parts[0].widths), count.cumsum(0) - count, count)

    @property
    def table(self) -> Tensor:
        """The rows (N, ..) of `training.Data`."""
        return self.rows.table

    def __len__(self) -> int:
        """Number of tasks K."""
        return len(self.first)

    def batch(self, index: Tensor) -> Tensor:
        """The tasks ``index`` (T, M) themselves, of which the learner draws transitions."""
        return index

    def pick(self, tasks: Tensor, places: Tensor) -> Batch:
        """Transitions (T, M, n) of ``tasks`` (T, M) at shares ``places`` (T, M, n) < 1."""
        within = (places.double() * self.count[tasks][..., None]).long()
        return self.rows.batch(self.first[tasks][..., None] + within)


def draw(
    table: TaskTable, tasks: Tensor, noise: Noise, context: int, batch: int, following: bool
) -> MetaBatch:
    """Draw a context and a batch for each of ``tasks`` (T, M), both with replacement.

    They have ``context`` and ``batch`` transitions per task; ``following`` puts next states
    into the contexts.
    """
    places = (noise.uniform(tasks.shape[1], context + batch) + 1) / 2
    first = table.pick(tasks, places[..., :context])
    second = table.pick(tasks, places[..., context:])
    flat = Batch(*(part.flatten(1, 2) for part in second))
    return MetaBatch(tasks, context_of(first, following), flat)


def context_of(transitions: Batch, following: bool) -> Tensor:
    """State, action and reward, with ``following`` also the next state, (.., C)."""
    parts = [transitions.states, transitions.actions, transitions.rewards[..., None]]
    return torch.cat(parts + [transitions.next_states] * following, -1)
