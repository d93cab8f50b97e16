"""Episodes as tensors, to draw contexts, prompts and fixed samples from.

All episodes lie in one flat table on the device; a batch is one gather from it.
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

# What stands where an episode has no step (mxu34/prompt-dt prompt_utils.py, get_batch). The
# padded state is 0 before normalising; padded timesteps and returns-to-go are 0.
PADDED_ACTION = -10.0


class EpisodeTensors:
    """The episodes of some tasks, resident on ``device``, to draw segments from.

    ``table`` (N + 1, 1 + S + A) holds return-to-go / scale, normalised state and action of
    every step of every task; its last row is the padding. Per row, ``step`` is the timestep
    and ``left`` the steps to the episode's end, the row's own included. Random numbers come
    from the generator alone: equal generators give equal segments, on CPU and CUDA alike if
    the generator is on the same device.
    """

    def __init__(
        self,
        tasks: Sequence["TaskTrajectories"],
        normaliser: "Normaliser",
        return_scale: float,
        device: torch.device | str = "cpu",
    ):
        if not tasks:
            raise TrajpromptError("episodes", "no tasks", "at least one")
        self.tasks = tuple(task.task for task in tasks)
        self.device = torch.device(device)
        self._state_dim = tasks[0].observations.shape[1]
        own = [task.lengths for task in tasks]
        self._episode_lengths = np.concatenate(own)
        self._episode_tasks = np.repeat(np.arange(len(tasks)), [len(n) for n in own])
        lengths = torch.from_numpy(self._episode_lengths).to(device)
        ends = torch.cumsum(lengths, 0)
        self._task_rows = _sizes([len(task.rewards) for task in tasks], device)
        rows = torch.arange(int(ends[-1]), device=device)
        self._step = rows - (ends - lengths).repeat_interleave(lengths)
        self._left = ends.repeat_interleave(lengths) - rows
        self._table = _table(tasks, normaliser, return_scale).to(device)

    def sample_contexts(
        self, generator: torch.Generator, per_task: int, length: int
    ) -> Segments:
        """(tasks · per_task, K, ·) training segments, tasks in order, left-padded.

        A uniform step of the task's data is the segment's start, which is the reference's
        choice of an episode in proportion to its length and of a uniform start within it.
        """
        first, count = self._task_rows
        start = first[:, None] + self._below(
            generator, count, per_task
        )  # (tasks, per_task)
        return self._gather(start.reshape(-1), length)

    def sample_prompts(
        self,
        generator: torch.Generator,
        per_task: int,
        length: int,
        segments: int = 1,
        position: str = "end",
    ) -> Segments:
        """(tasks · per_task, J·H, ·) prompts of J segments of H steps, tasks in order.

        A segment is uniform among the task's places of its ``position`` (`PromptPlaces`),
        whatever the other segments are: the same one may come twice.
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
        """`sample_prompts` with rewards, (tasks, per_task, J·H, ·); same draws."""
        start = self._prompt_starts(generator, per_task * segments, length, position)
        rows = start[:, None] + torch.arange(length, device=self.device)  # (B·J, H)
        after = torch.where(self._left[rows] > 1, rows + 1, len(self._table) - 1)
        rewards = self._table[rows, :1] - self._table[after, :1]  # the padding's is 0
        leading = (len(self.tasks), per_task)
        prompts = self._gather(start, length).reshape(*leading, segments).join()
        return PromptSet(prompts, rewards.reshape(*leading, segments * length, 1))

    def windows(self, length: int) -> list[Segments]:
        """Per task all (A, H, ·) segments of H steps of one episode each, stride 1."""
        places, _, count = self._prompt_places(length, "uniform")
        numbers = torch.arange(int(count.sum()), device=self.device)
        own = places.rows(numbers).split(count.tolist())
        return [self._gather(start, length) for start in own]

    def _prompt_starts(
        self, generator: torch.Generator, per_task: int, length: int, position: str
    ) -> Tensor:
        """(tasks · per_task,) first rows of random segments: see `sample_prompts`."""
        if per_task < 1:
            raise TrajpromptError("prompts", f"{per_task} segments per task", "at least 1")
        places, first, count = self._prompt_places(length, position)
        number = first[:, None] + self._below(generator, count, per_task)
        return places.rows(number.reshape(-1))

    def draw(self, generator: torch.Generator, count: int, length: int) -> Segments:
        """(tasks, count, K, ·) segments drawn like contexts: a method's fixed samples."""
        return self.sample_contexts(generator, count, length).reshape(
            len(self.tasks), count
        )

    def _below(self, generator: torch.Generator, count: Tensor, per_task: int) -> Tensor:
        """(tasks, per_task) uniform integers in [0, count[task])."""
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
        """Places of segments; per task the number of the first of them and how many."""
        places = PromptPlaces(self._episode_lengths, length, position)
        tasks = len(self.tasks)
        counts = np.bincount(self._episode_tasks, places.counts, tasks).astype(np.int64)
        if not counts.all():
            task = int(np.flatnonzero(counts == 0)[0])
            own = self._episode_lengths[self._episode_tasks == task]
            raise TrajpromptError(
                f"task {self.tasks[task]}",
                f"a prompt of {length} steps",
                f"at most {own.max()}, the longest episode",
                "lower prompt_length",
            )
        return places, *_sizes(counts, self.device)

    def _gather(self, start: Tensor, length: int) -> Segments:
        """The segments of up to ``length`` steps that begin at rows ``start`` (B,)."""
        if length < 1:
            raise TrajpromptError("segment", f"a length of {length} steps", "at least 1")
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
    """(tasks,) first index and (tasks,) count of groups that lie one after the other."""
    count = torch.as_tensor(np.asarray(counts, dtype=np.int64))
    return (count.cumsum(0) - count).to(device), count.to(device)


def _table(
    tasks: Sequence["TaskTrajectories"], normaliser: "Normaliser", return_scale: float
) -> Tensor:
    """(N + 1, 1 + S + A) float32: see EpisodeTensors."""
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
    """(N,) float64: rewards from each step to its episode's end, undiscounted."""
    total = np.cumsum(task.rewards, dtype=np.float64)
    after = np.repeat(total[task.episode_ends - 1], task.lengths)
    return after - total + task.rewards
