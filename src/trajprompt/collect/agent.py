"""What SAC and TD3 share: their networks, and what a checkpoint keeps of them."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from trajprompt.collect.networks import StackedMLP, TwinCritic, flatten_parameters
from trajprompt.collect.options import AgentOptions
from trajprompt.collect.replay import Batch
from trajprompt.numerics.device import resolve_precision
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


class StackedAgent(Agent):
    """T agents: actors, pairs of critics and targets of the critics; the stack is first."""

    actor_outputs: ClassVar[int] = 1  # per dimension of an action

    def __init__(
        self,
        stack: int,
        features: int,
        actions: int,
        options: AgentOptions,
        device: str,
        generator: torch.Generator,  # on the CPU, so that devices start alike
        noise: torch.Generator,  # on the device
    ):
        self.noise, self.batch, self.updates = noise, options.batch, 0
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
