"""Normalisation of observations by the statistics of the training tasks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from trajprompt.errors import TrajpromptError

if TYPE_CHECKING:
    from trajprompt.trajectories.episodes import TaskTrajectories

# mxu34/prompt-dt prompt_utils.py adds it: dimensions that never change (reach's hidden goal
# and empty object slots) must not divide by zero.
STD_FLOOR = 1e-6


@dataclass(frozen=True)
class Normaliser:
    """(observation − mean) / std, per dimension."""

    mean: torch.Tensor  # (S,) float32
    std: torch.Tensor  # (S,) float32, floor included

    @classmethod
    def fit(cls, tasks: Sequence["TaskTrajectories"]) -> "Normaliser":
        """Mean and population deviation over all steps of ``tasks`` together.

        Give it training tasks only; the reference also takes the test tasks' data.
        """
        count = sum(len(task.observations) for task in tasks)
        if not count:
            raise TrajpromptError("normaliser", "no steps", "training trajectories")
        mean = (
            sum(task.observations.sum(axis=0, dtype=np.float64) for task in tasks) / count
        )
        square = sum(np.square(task.observations - mean).sum(axis=0) for task in tasks)
        std = np.sqrt(square / count) + STD_FLOOR
        return cls(torch.from_numpy(mean).float(), torch.from_numpy(std).float())

    def normalise(self, observations: torch.Tensor) -> torch.Tensor:
        """(..., S) raw observations to (..., S) normalised ones."""
        return (observations - self.mean) / self.std

    def to(self, device: torch.device | str) -> "Normaliser":
        return Normaliser(self.mean.to(device), self.std.to(device))
