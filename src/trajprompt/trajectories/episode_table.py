"""Table of all steps of several tasks' episodes, filled part by part."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from trajprompt.errors import TrajpromptError
from trajprompt.trajectories.episodes import PART_ROWS
from trajprompt.trajectories.row_table import RowTable

if TYPE_CHECKING:
    from trajprompt.trajectories.episodes import TaskEpisodes, TaskTrajectories

# Action at padding (mxu34/prompt-dt prompt_utils.py, get_batch). The padded state is 0
# before normalising; padded timesteps and returns-to-go are 0.
PADDED_ACTION = -10.0


class EpisodeTable:
    """Return-to-go / scale, raw state and action of every step of every task.

    ``rows`` is (N + 1, 1 + S + A); its last row is the padding. Large tables are in a file
    in ``folder``: see `RowTable`. The table has room for the episodes of ``tasks``, which
    `append` adds in order.
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
        self.device, self.return_scale = torch.device(device), return_scale
        self.tasks = tuple(task.task for task in tasks)
        self.state_dim, self.action_dim = tasks[0].dimensions
        self.lengths = np.concatenate([task.lengths for task in tasks])  # (episodes,)
        episodes = [task.num_episodes for task in tasks]
        self.episode_tasks = np.repeat(np.arange(len(tasks)), episodes)
        self.task_rows = np.array([task.episode_ends[-1] for task in tasks], np.int64)
        count = int(self.task_rows.sum())
        shape = (count + 1, 1 + self.state_dim + self.action_dim)
        self.rows = RowTable(shape, self.device, folder)
        self._last: tuple[int, float] | None = None  # task, and sum of its rewards so far

    @classmethod
    def of(
        cls,
        tasks: Sequence["TaskEpisodes"],
        return_scale: float,
        device: torch.device | str = "cpu",
        folder: Path | None = None,
    ) -> "EpisodeTable":
        """Table of all episodes of ``tasks``, which are read part by part."""
        table = cls(tasks, return_scale, device, folder)
        for task in tasks:
            for part in task.split():
                table.append(part.read())
        return table.close()

    def append(self, part: "TaskTrajectories") -> None:
        """Add the next episodes of a task."""
        if not part.num_episodes:
            return
        task, before = self._last or (part.task, 0.0)
        returns, total = returns_to_go(part, before if task == part.task else 0.0)
        self._last = part.task, total
        columns = (
            (returns / self.return_scale).astype(np.float32)[:, None],
            part.observations,
            part.actions,
        )
        self.rows.append(torch.from_numpy(np.concatenate(columns, axis=1)))

    def close(self) -> "EpisodeTable":
        """Add the padding after the last episode; return the table."""
        padding = torch.zeros(1, 1 + self.state_dim + self.action_dim)
        padding[:, 1 + self.state_dim :] = PADDED_ACTION
        self.rows.append(padding)
        self.rows.close()
        return self

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
