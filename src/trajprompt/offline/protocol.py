"""The interface of offline algorithms: a stack of learners, and its registration.

An algorithm is one file in ``offline/algorithms``::

    @register("my-algorithm", MyOptions)
    class MyAlgorithm(Learner): ...

The name is the kind of backbone that it trains. Its policy is the tanh of the first A
outputs of ``actor``, which reads normalised states.
"""

import dataclasses
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor

from trajprompt.errors import TrajpromptError
from trajprompt.numerics.flat_adamw import FlatAdamW
from trajprompt.numerics.networks import StackedMLP
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


@dataclass(frozen=True)
class Algorithm:
    name: str
    options: type
    learner: Callable[..., Learner]


REGISTRY: dict[str, Algorithm] = {}
Made = TypeVar("Made", bound=type[Learner])


def register(name: str, options: type) -> Callable[[Made], Made]:
    """Register the decorated class as algorithm ``name``, its file name with hyphens.

    ``options`` is its dataclass, an `OfflineOptions` with a default for every option.
    Raises TrajpromptError for another name or other options.
    """

    def decorate(learner: Made) -> Made:
        file = inspect.getfile(learner)
        expected = learner.__module__.rpartition(".")[2].replace("_", "-")
        if name != expected:
            found = f"registers an algorithm named '{name}'"
            remedy = f"register it as '{expected}', or rename the file"
            raise TrajpromptError(file, found, f"'{expected}'", remedy)
        if not (dataclasses.is_dataclass(options) and issubclass(options, OfflineOptions)):
            found = f"found options of type {options.__name__}"
            expected = "a dataclass that inherits from OfflineOptions"
            raise TrajpromptError(file, found, expected, "change their class")
        REGISTRY[name] = Algorithm(name, options, learner)
        return learner

    return decorate
