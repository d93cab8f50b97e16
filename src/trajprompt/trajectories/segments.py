"""Segments of trajectories as tensors, for contexts, prompts and fixed samples."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor


class Segments(NamedTuple):
    """Segments of K consecutive steps, with any leading dimensions, e.g. (tasks, n)."""

    returns_to_go: Tensor  # (..., K, 1) float32, divided by the return scale
    states: Tensor  # (..., K, S) float32, normalised
    actions: Tensor  # (..., K, A) float32
    timesteps: Tensor  # (..., K) int64
    mask: Tensor  # (..., K) bool, False on the left padding

    def map(self, function: Callable[[Tensor], Tensor]) -> "Segments":
        """``function`` of every tensor."""
        return Segments(*(function(tensor) for tensor in self))

    def to(self, device: torch.device | str) -> "Segments":
        return self.map(lambda tensor: tensor.to(device))

    def select(self, index: Any) -> "Segments":
        """Index the leading dimensions, as ``tensor[index]`` does."""
        return self.map(lambda tensor: tensor[index])

    @property
    def leading(self) -> torch.Size:
        """Sizes of the leading dimensions: () for one segment."""
        return self.mask.shape[:-1]

    @property
    def length(self) -> int:
        """Number of steps per segment, K."""
        return self.mask.shape[-1]

    def reshape(self, *leading: int) -> "Segments":
        """Change the leading dimensions but not the number of segments; one may be -1."""
        kept = len(self.leading)
        return self.map(lambda tensor: tensor.reshape(*leading, *tensor.shape[kept:]))

    def flatten(self) -> "Segments":
        """Flatten the leading dimensions: (B, K, ·)."""
        return self.reshape(self.leading.numel())

    def join(self) -> "Segments":
        """Concatenate the segments of the last leading dimension: (.., J·K, ·)."""
        last = len(self.leading) - 1
        return self.map(lambda tensor: tensor.flatten(last, last + 1))

    def repeat_interleave(self, times: int) -> "Segments":
        """Repeat each segment of the first dimension ``times`` times in a row."""
        return self.map(lambda tensor: tensor.repeat_interleave(times, dim=0))


class PromptSet(NamedTuple):
    """Prompts with the reward of every step, which returns-to-go alone do not determine."""

    prompts: Segments  # (..., n, P, ..)
    rewards: Tensor  # (..., n, P, 1) float32, divided by the return scale

    def map(self, function: Callable[[Tensor], Tensor]) -> "PromptSet":
        """``function`` of every tensor."""
        return PromptSet(self.prompts.map(function), function(self.rewards))

    def select(self, index: Any) -> "PromptSet":
        """Index the leading dimensions, as ``tensor[index]`` does."""
        return self.map(lambda tensor: tensor[index])
