"""TD3 (Fujimoto et al. 2018, arXiv 1802.09477) for a stack of tasks."""

import copy

import torch
from torch import Tensor

from trajprompt.collect.agent import Agent
from trajprompt.collect.networks import StackedMLP, TwinCritic, flatten_parameters
from trajprompt.collect.options import Td3Options
from trajprompt.collect.replay import Batch
from trajprompt.numerics.device import resolve_precision
from trajprompt.numerics.flat_adamw import FlatAdamW


class TD3(Agent):
    """T independent TD3 agents; every tensor has the stack first."""

    def __init__(
        self,
        stack: int,
        features: int,
        actions: int,
        options: Td3Options,
        device: str,
        generator: torch.Generator,  # on the CPU, so that devices start alike
        noise: torch.Generator,  # on the device
    ):
        self.options, self.noise = options, noise
        self.batch = options.batch
        hidden = (options.width, options.width)
        dtype = resolve_precision(options.precision, device)
        actor = StackedMLP(stack, (features, *hidden, actions), generator, dtype=dtype)
        critic = TwinCritic(
            stack, (features + actions, *hidden, 1), generator, options.layer_norm, dtype
        )
        self.actor, self.critic = actor.to(device), critic.to(device)
        self.target_actor = copy.deepcopy(self.actor).requires_grad_(False)
        self.target_critic = copy.deepcopy(self.critic).requires_grad_(False)
        self.actor_vector = flatten_parameters(self.actor)
        self.critic_vector = flatten_parameters(self.critic)
        self.target_actor_vector = flatten_parameters(self.target_actor)
        self.target_critic_vector = flatten_parameters(self.target_critic)
        self.actor_optimiser = FlatAdamW(self.actor_vector, options.learning_rate)
        self.critic_optimiser = FlatAdamW(self.critic_vector, options.learning_rate)
        self.averages = {
            "actor": self.target_actor_vector,
            "critic": self.target_critic_vector,
        }
        self.optimisers = {"actor": self.actor_optimiser, "critic": self.critic_optimiser}
        self.updates = 0

    @torch.no_grad()
    def act(self, features: Tensor, explore: bool) -> Tensor:
        """Actions (T, B, A), with Gaussian noise when exploring."""
        actions = self.actor(features).tanh()
        if explore:
            actions = actions + self.options.exploration_noise * self._normal(actions)
        return actions.clamp(-1, 1)

    def update(self, batch: Batch) -> None:
        """One critic step; every ``policy_delay``-th time policy and target steps."""
        values = self.critic(batch.features, batch.actions)  # (2, T, B)
        targets = self.targets(batch)
        loss = (values - targets).square().mean(-1).sum() / 2
        self.critic_optimiser.minimise(loss)
        self.updates += 1
        if self.updates % self.options.policy_delay == 0:
            self._update_actor(batch.features)
            rate = self.options.target_rate
            self.target_actor_vector.lerp_(self.actor_vector, rate)
            self.target_critic_vector.lerp_(self.critic_vector, rate)

    @torch.no_grad()
    def targets(self, batch: Batch) -> Tensor:
        """Regression targets (T, B): clipped double Q at smoothed target actions."""
        actions = self.target_actor(batch.next_features).tanh()
        smoothing = self.options.target_noise * self._normal(actions)
        bound = self.options.noise_clip
        actions = (actions + smoothing.clamp(-bound, bound)).clamp(-1, 1)
        values = self.target_critic(batch.next_features, actions).amin(0)
        return batch.rewards + self.options.discount * (1 - batch.terminations) * values

    def _update_actor(self, features: Tensor) -> None:
        actions = self.actor(features).tanh()
        values = self.critic(features, actions, frozen=True)[0]  # the first critic alone
        self.actor_optimiser.minimise(-values.mean(-1).sum())

    def _normal(self, like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=self.noise, device=like.device)
