"""Episodes as tensors, from which contexts, prompts and fixed samples are drawn.

All episodes are in one flat table on the device; a batch is one gather from it.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from trajprompt.errors import TrajpromptError
from trajprompt.trajectories.prompt_places import PromptPlaces
from trajprompt.trajectories.segments import PromptSet, Segments

if TYPE_CHECKING:
    from trajprompt.trajectories.episodes import TaskTrajectories
    from trajprompt.trajectories.normaliser import Normaliser

# Action at padding (mxu34/prompt-dt prompt_utils.py, get_batch). The padded state is 0
# before normalising; padded timesteps and returns-to-go are 0.
PADDED_ACTION = -10.0


class EpisodeTensors:
    """Episodes of several tasks, resident on ``device``, from which segments are drawn.

    ``_table`` (N + 1, 1 + S + A) contains return-to-go / scale, normalised state and action
    of every step of every task; its last row is the padding. ``_step`` is the timestep of
    each row, ``_left`` the number of steps to the episode's end, including the row.
    Segments depend on the generator and its device, not on ``device``.
    """

    def __init__(
        self,
        tasks: Sequence["TaskTrajectories"],
        normaliser: "Normaliser",
        return_scale: float,
        device: torch.device | str = "cpu",
    ):
        if not tasks:
            found, expected = "found no tasks", "the trajectories of at least one"
            raise TrajpromptError("episodes", found, expected, "pass some trajectories")
        self.tasks = tuple(task.task for task in tasks)
        self.device = torch.device(device)
        self._state_dim = tasks[0].observations.shape[1]
        episodes = [task.num_episodes for task in tasks]
        self._episode_lengths = np.concatenate([task.lengths for task in tasks])
        self._episode_tasks = np.repeat(np.arange(len(tasks)), episodes)
        lengths = torch.from_numpy(self._episode_lengths).to(device)
        ends = torch.cumsum(lengths, 0)
        self._task_rows = _sizes([len(task.rewards) for task in tasks], device)
        rows = torch.arange(int(ends[-1]), device=device)
        self._step = rows - (ends - lengths).repeat_interleave(lengths)
        self._left = ends.repeat_interleave(lengths) - rows
        self._table = _table(tasks, normaliser, return_scale).to(device)
        self._places: dict[tuple[int, str], tuple[PromptPlaces, Tensor, Tensor]] = {}

    def sample_contexts(
        self, generator: torch.Generator, per_task: int, length: int
    ) -> Segments:
        """Draw training segments (tasks · per_task, K, ·), tasks in order, left-padded.

        A segment starts at a uniform step of the task's data. The reference's draw is
        equivalent: an episode in proportion to its length, then a uniform start in it.
        """
        first, count = self._task_rows
        # (tasks, per_task)
        start = first[:, None] + self._below(generator, count, per_task)
        return self._gather(start.reshape(-1), length)

    def sample_prompts(
        self,
        generator: torch.Generator,
        per_task: int,
        length: int,
        segments: int = 1,
        position: str = "end",
    ) -> Segments:
        """Draw prompts (tasks · per_task, J·H, ·) of J segments of H steps, tasks in order.

        A segment is uniform among the task's places of its ``position`` (`PromptPlaces`).
        Segments are independent: the same one may occur twice.
        """
        start = self._prompt_starts(generator, per_task * segments, length, position)
        return self._gather(start, length).reshape(-1, segments).join()

    def sample_transitions(
        self,
        generator: torch.Generator,
        per_task: int,
        length: int,
        segments: int = 1,
        position: str = "end",
    ) -> PromptSet:
        """Draw the prompts of `sample_prompts` with rewards, (tasks, per_task, J·H, ·)."""
        start = self._prompt_starts(generator, per_task * segments, length, position)
        rows = start[:, None] + torch.arange(length, device=self.device)  # (B·J, H)
        after = torch.where(self._left[rows] > 1, rows + 1, len(self._table) - 1)
        rewards = self._table[rows, :1] - self._table[after, :1]  # 0 at padding
        leading = (len(self.tasks), per_task)
        prompts = self._gather(start, length).reshape(*leading, segments).join()
        return PromptSet(prompts, rewards.reshape(*leading, segments * length, 1))

    def windows(self, length: int) -> list[Segments]:
        """All segments (A, H, ·) of H steps within an episode, stride 1, for each task."""
        places, _, count = self._prompt_places(length, "uniform")
        every = torch.arange(int(count.sum()), device=self.device)
        starts = places.rows(every).split(count.tolist())
        return [self._gather(start, length) for start in starts]

    def _prompt_starts(
        self, generator: torch.Generator, per_task: int, length: int, position: str
    ) -> Tensor:
        """First rows (tasks · per_task,) of random segments: see `sample_prompts`."""
        if per_task < 1:
            found = f"found {per_task} segments per task"
            raise TrajpromptError("prompts", found, "at least 1", "draw more segments")
        places, first, count = self._prompt_places(length, position)
        place = first[:, None] + self._below(generator, count, per_task)
        return places.rows(place.reshape(-1))

    def draw(self, generator: torch.Generator, count: int, length: int) -> Segments:
        """Draw a method's fixed samples (tasks, count, K, ·) in the way of contexts."""
        return self.sample_contexts(generator, count, length).reshape(
            len(self.tasks), count
        )

    def _below(self, generator: torch.Generator, count: Tensor, per_task: int) -> Tensor:
        """Uniform integers (tasks, per_task) in [0, count[task])."""
        uniform = torch.rand(
            len(self.tasks),
            per_task,
            dtype=torch.float64,  # float32 could not reach every row beyond 2^24
            generator=generator,
            device=generator.device,
        ).to(self.device)
        return (uniform * count[:, None]).long()

    def _prompt_places(
        self, length: int, position: str
    ) -> tuple[PromptPlaces, Tensor, Tensor]:
        """Places of segments, with the first place and the number of places per task.

        They are kept: copies to a GPU would wait for it at every batch.
        """
        if (length, position) not in self._places:
            self._places[length, position] = self._find_places(length, position)
        return self._places[length, position]

    def _find_places(
        self, length: int, position: str
    ) -> tuple[PromptPlaces, Tensor, Tensor]:
        places = PromptPlaces(self._episode_lengths, length, position, self.device)
        tasks = len(self.tasks)
        counts = np.bincount(self._episode_tasks, places.counts, tasks).astype(np.int64)
        if not counts.all():
            task = int(np.flatnonzero(counts == 0)[0])
            lengths = self._episode_lengths[self._episode_tasks == task]
            raise TrajpromptError(
                f"task {self.tasks[task]}",
                f"found a prompt of {length} steps",
                f"at most {lengths.max()} steps, the longest episode",
                "lower prompt_length in the config",
            )
        return places, *_sizes(counts, self.device)

    def _gather(self, start: Tensor, length: int) -> Segments:
        """Segments of up to ``length`` steps that begin at rows ``start`` (B,)."""
        if length < 1:
            found = f"found a length of {length} steps"
            raise TrajpromptError("segment", found, "at least 1", "ask for longer segments")
        padding = (length - self._left[start]).clamp(min=0)  # (B,)
        place = torch.arange(length, device=self.device) - padding[:, None]  # (B, K)
        mask = place >= 0
        timesteps = (self._step[start][:, None] + place) * mask
        rows = torch.where(mask, start[:, None] + place, len(self._table) - 1)
        picked = self._table.index_select(0, rows.reshape(-1)).reshape(*rows.shape, -1)
        states = picked[..., 1 : 1 + self._state_dim]
        actions = picked[..., 1 + self._state_dim :]
        return Segments(picked[..., :1], states, actions, timesteps, mask)


def _sizes(
    counts: Sequence[int] | np.ndarray, device: torch.device | str
) -> tuple[Tensor, Tensor]:
    """First index and size of consecutive groups, (tasks,) each."""
    count = torch.as_tensor(np.asarray(counts, dtype=np.int64))
    return (count.cumsum(0) - count).to(device), count.to(device)


def _table(
    tasks: Sequence["TaskTrajectories"], normaliser: "Normaliser", return_scale: float
) -> Tensor:
    """Table (N + 1, 1 + S + A) float32 of `EpisodeTensors`."""
    states, actions = tasks[0].observations.shape[1], tasks[0].actions.shape[1]
    rows = sum(len(task.rewards) for task in tasks)
    table = torch.empty(rows + 1, 1 + states + actions)
    table[-1] = torch.cat(
        [torch.zeros(1), normaliser.normalise(torch.zeros(states)), torch.zeros(actions)]
    )
    table[-1, 1 + states :] = PADDED_ACTION
    first = 0
    for task in tasks:
        part = table[first : first + len(task.rewards)]
        part[:, 0] = torch.from_numpy(returns_to_go(task) / return_scale)
        part[:, 1 : 1 + states] = normaliser.normalise(torch.from_numpy(task.observations))
        part[:, 1 + states :] = torch.from_numpy(task.actions)
        first += len(part)
    return table


def returns_to_go(task: "TaskTrajectories") -> np.ndarray:
    """Undiscounted return-to-go (N,) float64 of each step, its reward included."""
    total = np.cumsum(task.rewards, dtype=np.float64)
    after = np.repeat(total[task.episode_ends - 1], task.lengths)
    return after - total + task.rewards
