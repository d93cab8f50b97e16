"""Running mean and variance of a stream of batches."""

from collections.abc import Mapping
from typing import Any

import numpy as np


class RunningMoments:
    """Mean and variance of everything added (Chan, Golub & LeVeque 1983, Eq. 2.1).

    Before anything is added the mean is 0 and the variance 1.
    """

    def __init__(self, shape: tuple[int, ...]):
        self.count = 0
        self.mean, self.squares = np.zeros(shape), np.zeros(shape)

    @property
    def variance(self) -> np.ndarray:
        return self.squares / self.count if self.count else np.ones_like(self.mean)

    def add(self, batch: np.ndarray) -> None:
        """Add the values ``batch`` (B, *shape)."""
        added, total = len(batch), self.count + len(batch)
        mean = batch.mean(axis=0, dtype=np.float64)
        shift = mean - self.mean
        self.squares = self.squares + np.square(batch - mean).sum(axis=0)
        self.squares = self.squares + np.square(shift) * (self.count * added / total)
        self.mean = self.mean + shift * (added / total)
        self.count = total

    def state(self) -> dict[str, Any]:
        return {"count": self.count, "mean": self.mean, "squares": self.squares}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.count = int(state["count"])
        self.mean, self.squares = np.array(state["mean"]), np.array(state["squares"])
