"""TD3 (Fujimoto et al. 2018, arXiv 1802.09477) for a stack of tasks."""

import copy

import torch
from torch import Tensor

from trajprompt.collect.agent import StackedAgent
from trajprompt.collect.options import Td3Options
from trajprompt.collect.replay import Batch
from trajprompt.numerics.networks import flatten_parameters


class TD3(StackedAgent):
    """T independent TD3 agents; axis 0 of every tensor is the stack."""

    def __init__(
        self,
        stack: int,
        features: int,
        actions: int,
        options: Td3Options,
        device: str,
        generator: torch.Generator,
        noise: torch.Generator,
    ):
        super().__init__(stack, features, actions, options, device, generator, noise)
        self.options = options
        self.target_actor = copy.deepcopy(self.actor).requires_grad_(False)
        self.target_actor_vector = flatten_parameters(self.target_actor)
        self.averages["actor"] = self.target_actor_vector

    @torch.no_grad()
    def act(self, features: Tensor, explore: bool) -> Tensor:
        """Actions (T, B, A), with Gaussian noise when exploring."""
        actions = self.actor(features).tanh()
        if explore:
            actions = actions + self.options.exploration_noise * self._normal(actions)
        return actions.clamp(-1, 1)

    def update(self, batch: Batch) -> None:
        """Do a critic step and, every ``policy_delay`` updates, policy and target steps."""
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
        values = self.critic(features, actions, frozen=True)[0]  # only the first critic
        self.actor_optimiser.minimise(-values.mean(-1).sum())
