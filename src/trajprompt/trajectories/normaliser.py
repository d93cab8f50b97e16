"""Normalisation of observations by the statistics of the training tasks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from trajprompt.errors import TrajpromptError

if TYPE_CHECKING:
    from trajprompt.trajectories.episodes import TaskTrajectories

# Added as in mxu34/prompt-dt prompt_utils.py: dimensions that never change (reach's hidden
# goal and empty object slots) would divide by zero.
STD_FLOOR = 1e-6


@dataclass(frozen=True)
class Normaliser:
    """(observation − mean) / std, per dimension."""

    mean: torch.Tensor  # (S,) float32
    std: torch.Tensor  # (S,) float32, floor included

    @classmethod
    def fit(cls, tasks: Sequence["TaskTrajectories"]) -> "Normaliser":
        """Fit mean and population standard deviation to all steps of ``tasks`` together.

        Pass training tasks only; the reference also includes the test tasks' data.
        """
        count = sum(len(task.observations) for task in tasks)
        if not count:
            found, expected = "found no steps", "the trajectories of training tasks"
            raise TrajpromptError("normaliser", found, expected, "pass some trajectories")
        mean = (
            sum(task.observations.sum(axis=0, dtype=np.float64) for task in tasks) / count
        )
        square = sum(np.square(task.observations - mean).sum(axis=0) for task in tasks)
        std = np.sqrt(square / count) + STD_FLOOR
        return cls(torch.from_numpy(mean).float(), torch.from_numpy(std).float())

    def normalise(self, observations: torch.Tensor) -> torch.Tensor:
        """Normalise raw observations (..., S)."""
        return (observations - self.mean) / self.std

    def to(self, device: torch.device | str) -> "Normaliser":
        return Normaliser(self.mean.to(device), self.std.to(device))
