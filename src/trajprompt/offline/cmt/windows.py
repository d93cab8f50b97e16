"""Windows of episodes, with the history that comes before each.

In training, in planning and in play, a prompt is encoded from the H transitions before the
window, and is kept for its K steps. In play, windows follow each other: the first begins
with the episode, and its history is empty.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from trajprompt.models.cmt.encoder import History
from trajprompt.trajectories.episodes import TaskTrajectories

SMALLEST_SCALE = 1e-6  # of rewards and changes that never differ from zero


class Windows(NamedTuple):
    """Windows (T, B) of up to K steps; padding is at their ends."""

    history: History  # (T, B, H, ..) before the window
    states: Tensor  # (T, B, K, S) normalised
    actions: Tensor  # (T, B, K, A)
    rewards: Tensor  # (T, B, K) scaled
    changes: Tensor  # (T, B, K, S) of the state to the next one, scaled
    values: Tensor  # (T, B, K) discounted sums of scaled rewards, times (1 - discount)
    mask: Tensor  # (T, B, K) False at padding
    episodes: Tensor  # (T, B) number of the episode
    starts: Tensor  # (T, B) first step, as in the table


@dataclass(frozen=True)
class WindowTable:
    """All steps of a task's episodes; window n begins at step n."""

    table: Tensor  # (N + 1, S + A + 1 + S + 1) float32; the last row is padding
    first: Tensor  # (N,) first row of each step's episode
    end: Tensor  # (N,) row after the last one of each step's episode
    episode: Tensor  # (N,) its number
    widths: tuple[int, ...]  # columns of states, actions, rewards, changes and values
    history_length: int  # H
    length: int  # K
    reward_scale: float
    change_scale: Tensor  # (S,)

    @classmethod
    def of(
        cls,
        task: TaskTrajectories,
        mean: np.ndarray,
        std: np.ndarray,
        discount: float,
        history_length: int,
        length: int,
        device: str | torch.device,
    ) -> "WindowTable":
        """Table of all episodes of ``task``; states are (state - mean) / std."""
        states = (task.observations - mean) / std
        following = np.roll(states, -1, axis=0)
        following[task.episode_ends - 1] = (task.final_observations - mean) / std
        changes = following - states
        change_scale = np.maximum(changes.std(0), SMALLEST_SCALE)
        raw = task.rewards.astype(np.float64)
        reward_scale = float(max(np.sqrt(np.square(raw).mean()), SMALLEST_SCALE))
        rewards = raw / reward_scale
        sums = returns_to_go(rewards, task.episode_ends, discount)
        columns = [
            states,
            task.actions,
            rewards[:, None],
            changes / change_scale,
            (1 - discount) * sums[:, None],
        ]
        steps = np.concatenate(columns, axis=1, dtype=np.float32, casting="unsafe")
        padded = np.concatenate([steps, np.zeros_like(steps[:1])])
        lengths = task.lengths
        return cls(
            torch.from_numpy(padded).to(device),
            torch.from_numpy(np.repeat(task.starts, lengths)).to(device),
            torch.from_numpy(np.repeat(task.episode_ends, lengths)).to(device),
            torch.from_numpy(np.repeat(np.arange(len(lengths)), lengths)).to(device),
            tuple(column.shape[1] for column in columns),
            history_length,
            length,
            reward_scale,
            torch.from_numpy(change_scale.astype(np.float32)),
        )

    def __len__(self) -> int:
        """Number of steps, each of which begins a window."""
        return len(self.first)

    def batch(self, index: Tensor) -> Windows:
        """Windows (T, B) that begin at the steps ``index`` (T, B)."""
        rows = index[..., None] + torch.arange(self.length, device=index.device)
        mask = rows < self.end[index][..., None]
        states, actions, rewards, changes, values = self._pick(rows, mask)
        return Windows(
            self.history(index, self.first[index]),
            states,
            actions,
            rewards[..., 0],
            changes,
            values[..., 0],
            mask,
            self.episode[index],
            index,
        )

    def history(self, index: Tensor, first: Tensor) -> History:
        """Transitions before the steps ``index`` (..), none of them before ``first``."""
        before = torch.arange(-self.history_length, 0, device=index.device)
        rows = index[..., None] + before  # (.., H)
        mask = rows >= first[..., None]
        states, actions, rewards, *_ = self._pick(rows, mask)
        return History(states, actions, rewards[..., 0], mask)

    def other_history(self, index: Tensor, place: Tensor) -> History:
        """A history of the same episodes that ends at a share ``place`` (..) of them.

        It has at least one transition; shares are in [0, 1).
        """
        first, end = self.first[index], self.end[index]
        steps = 1 + (place * (end - first)).long()
        return self.history(first + steps.clamp(max=end - first), first)

    def _pick(self, rows: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        found = torch.where(mask, rows, len(self.table) - 1)
        picked = self.table.index_select(0, found.reshape(-1)).view(*rows.shape, -1)
        return picked.split(self.widths, -1)


def returns_to_go(rewards: np.ndarray, ends: np.ndarray, discount: float) -> np.ndarray:
    """Discounted sums of rewards (N,) from each step to the end of its episode, (N,)."""
    sums, last = np.zeros(len(rewards)), set((ends - 1).tolist())
    following = 0.0
    for step in range(len(rewards) - 1, -1, -1):
        following = rewards[step] + (0.0 if step in last else discount * following)
        sums[step] = following
    return sums
