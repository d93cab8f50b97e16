"""Random numbers of an update, drawn by a generator per member of the stack."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor


class Noise:
    """Random numbers for a stack; a member's numbers do not depend on the others."""

    def __init__(self, generators: Sequence[torch.Generator]):
        self.generators = generators

    def normal(self, *shape: int) -> Tensor:
        """Standard normal values (T, *shape)."""
        return self._draw(torch.randn, shape)

    def uniform(self, *shape: int) -> Tensor:
        """Uniform values in [-1, 1), (T, *shape)."""
        return self._draw(torch.rand, shape) * 2 - 1

    def _draw(self, function: Callable[..., Tensor], shape: tuple[int, ...]) -> Tensor:
        draws = [function(shape, generator=g, device=g.device) for g in self.generators]
        return torch.stack(draws)

    def state(self) -> dict[str, Tensor]:
        return {"generators": torch.stack([g.get_state() for g in self.generators])}

    def restore(self, state: Mapping[str, Any]) -> None:
        for generator, saved in zip(self.generators, state["generators"], strict=True):
            # A copy: torch 2.13 reads a view from the start of its storage, or crashes.
            generator.set_state(torch.as_tensor(saved).clone())
