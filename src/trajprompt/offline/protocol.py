"""The interface of offline algorithms: their common options, and a stack of learners.

An algorithm is one file in ``offline/algorithms``::

    @register("my-algorithm", MyOptions)
    class MyAlgorithm(Learner): ...

Its policy is the tanh of the first A outputs of ``actor``, which reads normalised states.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from trajprompt.numerics.flat_adamw import FlatAdamW
from trajprompt.numerics.networks import StackedMLP
from trajprompt.offline.noise import Noise
from trajprompt.settings.options import Positive, Rate, Share, Size, SmallCount, Strict
from trajprompt.trajectories.transitions import Batch


@dataclass(frozen=True)
class OfflineOptions(Strict):
    """Options that all algorithms have. Defaults: CORL at 6afec90, algorithms/offline."""

    width: Size = 256  # units of each hidden layer
    layers: SmallCount = 2  # hidden layers
    batch: Size = 256  # transitions per update
    learning_rate: Rate = 3e-4
    discount: Share = 0.99
    target_rate: Rate = 0.005  # Polyak step of the target networks
    data_share: Share = 1.0  # of the episodes, those with the highest returns
    reward_scale: Positive = 1.0

    @property
    def hidden(self) -> tuple[int, ...]:
        """Units of each hidden layer."""
        return (self.width,) * self.layers


@dataclass(frozen=True)
class Sizes:
    """Sizes of a stack of learners."""

    stack: int  # T
    states: int  # S
    actions: int  # A
    updates: int  # of the whole training, for learning rates that fall


class Learner(ABC):
    """T learners; the attributes below are all that learning changes."""

    actor: StackedMLP
    optimisers: dict[str, FlatAdamW]  # each holds the parameters that it learns
    averages: dict[str, Tensor]  # Polyak averages: the target networks
    noise: Noise
    done: int = 0  # updates

    @abstractmethod
    def __init__(
        self,
        sizes: Sizes,
        options: Any,
        weights: Sequence[torch.Generator],  # one per member, on the CPU
        noise: Noise,
        device: str,
    ) -> None: ...

    @abstractmethod
    def update(self, batch: Batch) -> dict[str, Tensor]:
        """Do one update; return each loss (T,) by name."""

    def state(self) -> dict[str, Any]:
        """State for `checkpoint.Resumable`, without gradients, which every step clears."""
        return {
            "done": self.done,
            "noise": self.noise.state(),
            "optimisers": {name: one.state() for name, one in self.optimisers.items()},
            "averages": self.averages,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.done = int(state["done"])
        self.noise.restore(state["noise"])
        for name, optimiser in self.optimisers.items():
            optimiser.restore(state["optimisers"][name])
        for name, vector in self.averages.items():
            vector.copy_(torch.as_tensor(state["averages"][name]))
