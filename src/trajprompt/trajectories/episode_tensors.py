"""Episodes as tensors, from which contexts, prompts and fixed samples are drawn.

All episodes are in one flat table; a batch is one gather from it.
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
    from trajprompt.trajectories.episode_table import EpisodeTable
    from trajprompt.trajectories.normaliser import Normaliser


class EpisodeTensors:
    """Episodes of several tasks, from which segments with normalised states are drawn.

    Segments are on the table's device. They depend on the generator and its device, not on
    the table's.
    """

    def __init__(self, table: "EpisodeTable", normaliser: "Normaliser"):
        self.tasks, self.device = table.tasks, table.device
        self._table, self._state_dim = table.rows, table.state_dim
        self._normaliser = normaliser.to(self.device)
        self._episode_lengths, self._episode_tasks = table.lengths, table.episode_tasks
        self._task_rows = _sizes(table.task_rows, self.device)
        self._lengths = torch.from_numpy(table.lengths).to(self.device)
        self._ends = torch.cumsum(self._lengths, 0)  # (episodes,) rows
        self._found: dict[tuple[int, str], tuple[PromptPlaces, Tensor, Tensor]] = {}

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
        _, left = self._places(rows)
        after = torch.where(left > 1, rows + 1, len(self._table) - 1)
        now, then = self._table.pick(rows), self._table.pick(after)
        rewards = now[..., :1] - then[..., :1]  # 0 at padding
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
        """Draw the fixed samples (1, count, K, ·) of a method, from one task.

        Samples come from distinct episodes until all are used, then from all again; each
        starts at a uniform step of its episode. The first samples of a larger ``count``
        are those of a smaller one.
        """
        given, episodes, starts = generator.device, len(self._lengths), []
        for _ in range(-(-count // episodes)):
            order = torch.randperm(episodes, generator=generator, device=given)
            place = torch.rand(
                episodes, dtype=torch.float64, generator=generator, device=given
            ).to(self.device)
            ends, lengths = (x[order.to(self.device)] for x in (self._ends, self._lengths))
            starts.append(ends - lengths + (place * lengths).long())
        return self._gather(torch.cat(starts)[:count], length).reshape(1, count)

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
        if (length, position) not in self._found:
            self._found[length, position] = self._find_places(length, position)
        return self._found[length, position]

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
        step, left = self._places(start)
        padding = (length - left).clamp(min=0)  # (B,)
        place = torch.arange(length, device=self.device) - padding[:, None]  # (B, K)
        mask = place >= 0
        timesteps = (step[:, None] + place) * mask
        rows = torch.where(mask, start[:, None] + place, len(self._table) - 1)
        picked = self._table.pick(rows)
        states = picked[..., 1 : 1 + self._state_dim]
        states.sub_(self._normaliser.mean).div_(self._normaliser.std)
        actions = picked[..., 1 + self._state_dim :]
        return Segments(picked[..., :1], states, actions, timesteps, mask)

    def _places(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Timestep of ``rows``, and the steps to the end of the episode, including it."""
        episode = torch.searchsorted(self._ends, rows, right=True)
        left = self._ends[episode] - rows
        return self._lengths[episode] - left, left


def _sizes(
    counts: Sequence[int] | np.ndarray, device: torch.device | str
) -> tuple[Tensor, Tensor]:
    """First index and size of consecutive groups, (tasks,) each."""
    count = torch.as_tensor(np.asarray(counts, dtype=np.int64))
    return (count.cumsum(0) - count).to(device), count.to(device)
