"""Table of all steps of several tasks' episodes, filled part by part."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from trajprompt.errors import TrajpromptError
from trajprompt.trajectories.row_table import RowTable
from trajprompt.trajectories.task_episodes import PART_ROWS

if TYPE_CHECKING:
    from trajprompt.trajectories.episodes import TaskTrajectories
    from trajprompt.trajectories.task_episodes import TaskEpisodes

# Action at padding (mxu34/prompt-dt prompt_utils.py, get_batch). The padded state is 0
# before normalising; padded timesteps and returns-to-go are 0.
PADDED_ACTION = -10.0


class EpisodeTable:
    """Return-to-go / scale, raw state and action of every step of every task.

    ``rows`` is (N + 1, 1 + S + A); its last row is the padding. Large tables are in a file
    in ``folder``: see `RowTable`. Each task is read once.
    """

    def __init__(
        self,
        tasks: Sequence["TaskEpisodes"],
        return_scale: float,
        device: torch.device | str = "cpu",
        folder: Path | None = None,
    ):
        if not tasks:
            found, expected = "found no tasks", "the trajectories of at least one"
            raise TrajpromptError("episodes", found, expected, "pass some trajectories")
        self.device = torch.device(device)
        self.tasks = tuple(task.task for task in tasks)
        self.state_dim, actions = tasks[0].dimensions
        self.lengths = np.concatenate([task.lengths for task in tasks])  # (episodes,)
        episodes = [task.num_episodes for task in tasks]
        self.episode_tasks = np.repeat(np.arange(len(tasks)), episodes)
        self.task_rows = np.array([task.episode_ends[-1] for task in tasks], np.int64)
        shape = (int(self.task_rows.sum()) + 1, 1 + self.state_dim + actions)
        parts = _parts(tasks, return_scale)
        self.rows = RowTable(shape, parts, self.device, folder)

    def observations(self) -> Iterator[Iterator[np.ndarray]]:
        """Raw observations (n, S) of each task, part by part."""
        first = 0
        for count in self.task_rows.tolist():
            yield self._observations(first, first + count)
            first += count

    def _observations(self, first: int, end: int) -> Iterator[np.ndarray]:
        for start in range(first, end, PART_ROWS):
            part = self.rows.values[start : min(start + PART_ROWS, end)]
            yield part[:, 1 : 1 + self.state_dim].cpu().numpy()
            self.rows.release()


def _parts(tasks: Sequence["TaskEpisodes"], return_scale: float) -> Iterator[Tensor]:
    """Rows (n, 1 + S + A) of all tasks, and the row of the padding."""
    states, actions = tasks[0].dimensions
    for task in tasks:
        total = 0.0
        for episodes in task.split():
            part = episodes.read()
            rows = torch.empty(len(part.rewards), 1 + states + actions)
            returns, total = returns_to_go(part, total)
            rows[:, 0] = torch.from_numpy(returns / return_scale)
            rows[:, 1 : 1 + states] = torch.from_numpy(part.observations)
            rows[:, 1 + states :] = torch.from_numpy(part.actions)
            yield rows
    padding = torch.zeros(1, 1 + states + actions)
    padding[:, 1 + states :] = PADDED_ACTION
    yield padding


def returns_to_go(
    part: "TaskTrajectories", before: float = 0.0
) -> tuple[np.ndarray, float]:
    """Undiscounted return-to-go (n,) float64 of each step, its reward included.

    ``before`` is the sum of the task's rewards before this part; also returns the sum at
    its end. Equal bits for any division of a task into parts.
    """
    rewards = np.concatenate([[before], part.rewards])
    total = np.cumsum(rewards, dtype=np.float64)[1:]
    after = np.repeat(total[part.episode_ends - 1], part.lengths)
    return after - total + part.rewards, float(total[-1])
