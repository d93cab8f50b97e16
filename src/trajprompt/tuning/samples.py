"""The offline data of a cell: a fixed few-shot set, or all collected trajectories."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch

if TYPE_CHECKING:
    from trajprompt.trajectories.episode_tensors import EpisodeTensors
    from trajprompt.trajectories.segments import Segments


class Samples(Protocol):
    def draw(self, generator: torch.Generator, row: int, count: int) -> "Segments":
        """Draw ``count`` training contexts (count, K, ..) of a row's task."""
        ...


@dataclass(frozen=True)
class FixedSamples:
    """Fixed set of n contexts per row, the same for all offline methods of a cell."""

    segments: "Segments"  # (R, n, K, ..)

    def draw(self, generator: torch.Generator, row: int, count: int) -> "Segments":
        """Sample without replacement until the set is exhausted, then from all again."""
        available = self.segments.states.shape[1]
        rounds = -(-count // available)
        order = torch.cat(
            [torch.randperm(available, generator=generator) for _ in range(rounds)]
        )
        chosen = order[:count]
        return self.segments.map(lambda values: values[row, chosen.to(values.device)])


def draw_rows(
    samples: Samples, generator: torch.Generator, rows: int, count: int
) -> "Segments":
    """Draw ``count`` contexts of each row's task: (rows, count, K, ..)."""
    drawn = [samples.draw(generator, row, count) for row in range(rows)]
    return type(drawn[0])(*(torch.stack(parts) for parts in zip(*drawn, strict=True)))


@dataclass(frozen=True)
class BufferSamples:
    """Contexts drawn from all episodes of each row's buffer (the papers' "full data")."""

    buffers: "Sequence[EpisodeTensors]"  # one per row, each of one task
    length: int  # K

    def draw(self, generator: torch.Generator, row: int, count: int) -> "Segments":
        return self.buffers[row].sample_contexts(generator, count, self.length)
