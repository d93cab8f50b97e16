"""Dropout of S networks with one random stream each, drawn before the forward pass."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor


class StackedDropout:
    """Inverted dropout of tensors (S, ..); `draw` makes all masks of a pass at once.

    Masks are drawn outside of the pass, one kernel per seed, so a pass can be captured as
    a CUDA graph. A seed's masks do not depend on the other seeds. ``elements`` is the
    number of values per seed that a pass multiplies; ``like`` has the pass's dtype and
    device.
    """

    def __init__(self, rate: float, seeds: Sequence[int], elements: int, like: Tensor):
        self.rate = rate
        device = like.device
        self.generators = [torch.Generator(device).manual_seed(seed) for seed in seeds]
        size = elements if rate > 0 else 0
        self.masks = torch.ones(len(seeds), size, dtype=like.dtype, device=device)
        self.used = 0

    def draw(self) -> None:
        """Draw the masks of the next pass: 0 with probability ``rate``, else 1/(1-rate)."""
        if self.rate == 0:
            return
        kept = 1.0 - self.rate
        for row, generator in zip(self.masks, self.generators, strict=True):
            row.bernoulli_(kept, generator=generator)
        self.masks.mul_(1.0 / kept)

    def begin(self) -> None:
        """Begin a pass: the next tensor takes the first masks."""
        self.used = 0

    def __call__(self, x: Tensor) -> Tensor:
        if self.rate == 0:
            return x
        first, self.used = self.used, self.used + x[0].numel()
        return x * self.masks[:, first : self.used].view(x.shape)

    def state(self) -> dict[str, Any]:
        """State of the random streams (a `checkpoint.Resumable`)."""
        states = [generator.get_state() for generator in self.generators]
        return {"generators": torch.stack(states)}

    def restore(self, state: Mapping[str, Any]) -> None:
        for generator, saved in zip(self.generators, state["generators"], strict=True):
            generator.set_state(torch.from_numpy(saved))
