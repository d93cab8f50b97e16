"""What the collection loop asks of SAC and TD3, and what a checkpoint keeps of them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from trajprompt.collect.replay import Batch
from trajprompt.numerics.flat_adamw import FlatAdamW


class Agent(ABC):
    """A stack of agents; the attributes below hold all that acting and learning change."""

    batch: int  # transitions per network and update
    updates: int  # done so far
    noise: torch.Generator
    optimisers: dict[str, FlatAdamW]  # with the parameters that they learn
    averages: dict[str, Tensor]  # of those parameters: the target networks

    @abstractmethod
    def act(self, features: Tensor, explore: bool) -> Tensor:
        """Actions (T, B, A) in [-1, 1] for ``features`` (T, B, F)."""

    @abstractmethod
    def update(self, batch: Batch) -> None:
        """Learn from one batch."""

    def state(self) -> dict[str, Any]:
        """A `checkpoint.Resumable`'s; gradients are not part: every step clears them."""
        return {
            "updates": self.updates,
            "noise": self.noise.get_state(),
            "optimisers": {name: one.state() for name, one in self.optimisers.items()},
            "averages": self.averages,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.updates = state["updates"]
        self.noise.set_state(torch.as_tensor(state["noise"]))
        for name, optimiser in self.optimisers.items():
            optimiser.restore(state["optimisers"][name])
        for name, vector in self.averages.items():
            vector.copy_(torch.as_tensor(state["averages"][name]))
