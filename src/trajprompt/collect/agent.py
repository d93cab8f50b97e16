"""Common parts of SAC and TD3: networks, optimisers and state for checkpoints."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from trajprompt.collect.options import AgentOptions
from trajprompt.collect.replay import Batch
from trajprompt.numerics.device import resolve_precision
from trajprompt.numerics.flat_adamw import FlatAdamW
from trajprompt.numerics.networks import StackedMLP, TwinCritic, flatten_parameters


def rate_share(progress: float, final: float) -> float:
    """Share of the learning rate at ``progress`` in [0, 1] of learning.

    1 over the first half, then linear to ``final``. With a rate that stays high the last
    policies vary, and some of their episodes, which serve as demonstrations, are failures.
    """
    return 1 - (1 - final) * max(0.0, 2 * progress - 1)


class Agent(ABC):
    """Stack of agents; the attributes below are all that acting and learning change."""

    batch: int  # transitions per network and update
    updates: int  # done so far
    noise: torch.Generator
    learning_rate: float  # at the start of learning
    final_rate: float  # share of it at the end
    optimisers: dict[str, FlatAdamW]  # each holds the parameters it learns
    averages: dict[str, Tensor]  # Polyak averages: the target networks

    @abstractmethod
    def act(self, features: Tensor, explore: bool) -> Tensor:
        """Actions (T, B, A) in [-1, 1] for ``features`` (T, B, F)."""

    @abstractmethod
    def update(self, batch: Batch) -> None:
        """Update the networks with one batch."""

    def set_learning_rate(self, progress: float) -> None:
        """Set the rate of all optimisers at ``progress``, the done share of learning."""
        rate = self.learning_rate * rate_share(progress, self.final_rate)
        for optimiser in self.optimisers.values():
            optimiser.learning_rate = rate

    def state(self) -> dict[str, Any]:
        """State for `checkpoint.Resumable`, without gradients, which every step clears."""
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


class StackedAgent(Agent):
    """T agents: actors, twin critics and target critics; axis 0 is the stack."""

    actor_outputs: ClassVar[int] = 1  # per dimension of an action

    def __init__(
        self,
        stack: int,
        features: int,
        actions: int,
        options: AgentOptions,
        device: str,
        generator: torch.Generator,  # on the CPU: equal initial weights on every device
        noise: torch.Generator,  # on the device
    ):
        self.noise, self.batch, self.updates = noise, options.batch, 0
        self.learning_rate, self.final_rate = options.learning_rate, options.final_rate
        hidden = (options.width, options.width)
        dtype = resolve_precision(options.precision, device)
        outputs = self.actor_outputs * actions
        actor = StackedMLP(stack, (features, *hidden, outputs), generator, dtype=dtype)
        critic = TwinCritic(
            stack, (features + actions, *hidden, 1), generator, options.layer_norm, dtype
        )
        self.actor, self.critic = actor.to(device), critic.to(device)
        self.target_critic = copy.deepcopy(self.critic).requires_grad_(False)
        self.actor_vector = flatten_parameters(self.actor)
        self.critic_vector = flatten_parameters(self.critic)
        self.target_critic_vector = flatten_parameters(self.target_critic)
        self.actor_optimiser = FlatAdamW(self.actor_vector, options.learning_rate)
        self.critic_optimiser = FlatAdamW(self.critic_vector, options.learning_rate)
        self.optimisers = {"actor": self.actor_optimiser, "critic": self.critic_optimiser}
        self.averages = {"critic": self.target_critic_vector}

    def _normal(self, like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=self.noise, device=like.device)
