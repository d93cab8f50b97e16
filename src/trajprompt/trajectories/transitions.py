"""Transitions of one task as flat tensors, for offline reinforcement learning."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from trajprompt.trajectories.episodes import (
    FINAL_OBSERVATIONS,
    REPEATED,
    TaskTrajectories,
)


class Batch(NamedTuple):
    """Transitions for a stack of T learners; states are normalised."""

    states: Tensor  # (T, B, S)
    actions: Tensor  # (T, B, A), in [-1, 1]
    rewards: Tensor  # (T, B)
    next_states: Tensor  # (T, B, S)
    terminations: Tensor  # (T, B), 1 if the episode terminated; 0 at time limits
    next_actions: Tensor  # (T, B, A), as logged; 0 after the last step of an episode
    followed: Tensor  # (T, B), 1 if the data has the next action


@dataclass(frozen=True)
class Transitions:
    """N transitions in one packed table, of which a batch is one gather."""

    table: Tensor  # (N, widths) float32
    widths: tuple[int, ...]  # columns of each field of `Batch`

    @classmethod
    def of(
        cls,
        task: TaskTrajectories,
        mean: np.ndarray,
        std: np.ndarray,
        device: str | torch.device,
        reward_scale: float = 1.0,
    ) -> "Transitions":
        """Transitions of all episodes of ``task``; states are (state - mean) / std.

        The last step of an episode is left out if its next state is needed but not known.
        """
        last = task.episode_ends - 1
        following = np.roll(task.observations, -1, axis=0)
        following[last] = task.final_observations
        next_actions = np.roll(task.actions, -1, axis=0)
        next_actions[last] = 0.0
        followed = np.ones(len(task.rewards), np.float32)
        followed[last] = 0.0
        columns = [
            (task.observations - mean) / std,
            task.actions,
            task.rewards[:, None] * reward_scale,
            (following - mean) / std,
            task.terminations[:, None],
            next_actions,
            followed[:, None],
        ]
        table = np.concatenate(columns, axis=1, dtype=np.float32, casting="unsafe")
        left_out = _without_next_state(task)
        if len(left_out):
            table = np.delete(table, left_out, axis=0)
        return cls(torch.from_numpy(table).to(device), tuple(c.shape[1] for c in columns))

    def __len__(self) -> int:
        return len(self.table)

    def batch(self, index: Tensor) -> Batch:
        """Transitions (T, B) at the rows ``index`` (T, B) of the table."""
        picked = self.table.index_select(0, index.reshape(-1)).view(*index.shape, -1)
        parts = picked.split(self.widths, -1)
        flat = {"rewards", "terminations", "followed"}
        return Batch(
            *(
                part[..., 0] if name in flat else part
                for name, part in zip(Batch._fields, parts, strict=True)
            )
        )


def _without_next_state(task: TaskTrajectories) -> np.ndarray:
    """Rows of ``task`` at a time limit whose next state is the last observation again.

    A source without next observations has such rows (`REPEATED`). A value of the false
    state would be learned; D4RL's ``qlearning_dataset`` leaves these rows out, too.
    """
    if task.attributes.get(FINAL_OBSERVATIONS) != REPEATED:
        return np.zeros(0, np.int64)
    last = task.episode_ends - 1
    repeated = (task.final_observations == task.observations[last]).all(axis=1)
    return last[repeated & ~task.terminations[last]]


def best_episodes(task: TaskTrajectories, share: float) -> TaskTrajectories:
    """The ``share`` of the episodes with the highest returns, at least one."""
    count = max(1, int(share * task.num_episodes))
    chosen = np.argsort(task.returns, kind="stable")[-count:]
    return task.select(np.sort(chosen))
