"""Normalisation of observations by the statistics of the training tasks."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from trajprompt.trajectories.episode_table import EpisodeTable

# Added to every deviation. mxu34/prompt-dt prompt_utils.py adds 1e-6, so that dimensions
# that never change (reach's hidden goal and empty slots) do not divide by zero. On reach
# four more have only rounding noise, of 1e-7 to 4e-6, which 1e-6 blows up to 7 deviations.
STD_FLOOR = 1e-3


@dataclass(frozen=True)
class Normaliser:
    """(observation − mean) / std, per dimension."""

    mean: torch.Tensor  # (S,) float32
    std: torch.Tensor  # (S,) float32, floor included

    @classmethod
    def fit(cls, table: "EpisodeTable") -> "Normaliser":
        """Fit mean and population standard deviation to all steps of a table together.

        Pass training tasks only; the reference also includes the test tasks' data.
        """
        count = len(table.rows) - 1  # without the padding
        mean = sum(map(_sum, table.observations())) / count
        square = sum(
            _sum(np.square(part - mean) for part in task) for task in table.observations()
        )
        std = np.sqrt(square / count) + STD_FLOOR
        return cls(torch.from_numpy(mean).float(), torch.from_numpy(std).float())

    def normalise(self, observations: torch.Tensor) -> torch.Tensor:
        """Normalise raw observations (..., S)."""
        return (observations - self.mean) / self.std

    def to(self, device: torch.device | str) -> "Normaliser":
        return Normaliser(self.mean.to(device), self.std.to(device))


def _sum(parts: Iterable[np.ndarray]) -> np.ndarray:
    """Sum (S,) float64 of the rows of all parts, added one after the other.

    The bits do not depend on the division into parts (for S > 1).
    """
    total: np.ndarray | None = None
    for part in parts:
        rows = part if total is None else np.concatenate([total[None], part])
        total = rows.sum(axis=0, dtype=np.float64)
    assert total is not None
    return total
