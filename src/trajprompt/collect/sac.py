"""Soft actor-critic (Haarnoja et al. 2018, arXiv 1812.05905) for a stack of tasks."""

import math

import torch
from torch import Tensor

from trajprompt.collect.agent import StackedAgent
from trajprompt.collect.options import SacOptions
from trajprompt.collect.replay import Batch
from trajprompt.numerics.flat_adamw import FlatAdamW
from trajprompt.numerics.gaussian import LOG_STD_RANGE
from trajprompt.numerics.tanh_gaussian import squash


class SAC(StackedAgent):
    """T independent soft actor-critics; axis 0 of every tensor is the stack."""

    actor_outputs = 2  # mean and log standard deviation

    def __init__(
        self,
        stack: int,
        features: int,
        actions: int,
        options: SacOptions,
        device: str,
        generator: torch.Generator,
        noise: torch.Generator,
    ):
        super().__init__(stack, features, actions, options, device, generator, noise)
        self.options = options
        start = math.log(options.initial_temperature)
        self.log_temperature = torch.full((stack, 1), start, device=device)
        self.log_temperature.grad = torch.zeros_like(self.log_temperature)
        given = options.target_entropy
        self.target_entropy = -float(actions) if given is None else given
        self.temperature_optimiser = FlatAdamW(self.log_temperature, options.learning_rate)
        self.optimisers["temperature"] = self.temperature_optimiser

    @torch.no_grad()
    def act(self, features: Tensor, explore: bool) -> Tensor:
        """Actions (T, B, A): sampled if exploring, else the tanh of the mean."""
        mean, log_std = self._gaussian(features)
        if not explore:
            return mean.tanh()
        return (mean + log_std.exp() * self._normal(mean)).tanh()

    def update(self, batch: Batch) -> None:
        """Do a critic step and, every ``policy_delay`` updates, a policy step."""
        temperature = self.log_temperature.exp()  # (T, 1)
        self._update_critic(batch, temperature)
        self.updates += 1
        if self.updates % self.options.policy_delay == 0:
            self._update_actor(batch.features, temperature)
        self.target_critic_vector.lerp_(self.critic_vector, self.options.target_rate)

    def _update_critic(self, batch: Batch, temperature: Tensor) -> None:
        with torch.no_grad():
            actions, log_probs = self._sample(batch.next_features)
            values = self.target_critic(batch.next_features, actions).amin(0)  # (T, B)
            values = values - temperature * log_probs
            alive = 1 - batch.terminations
            targets = batch.rewards + self.options.discount * alive * values
        values = self.critic(batch.features, batch.actions)  # (2, T, B)
        loss = (values - targets).square().mean(-1).sum() / 2
        self.critic_optimiser.minimise(loss)

    def _update_actor(self, features: Tensor, temperature: Tensor) -> None:
        actions, log_probs = self._sample(features)
        values = self.critic(features, actions, frozen=True).amin(0)
        loss = (temperature * log_probs - values).mean(-1).sum()
        self.actor_optimiser.minimise(loss)
        # d/d(log temperature) of temperature * (entropy - target), in closed form.
        surplus = -log_probs.detach().mean(-1, keepdim=True) - self.target_entropy
        self.log_temperature.grad = temperature * surplus
        self.temperature_optimiser.step()

    def _gaussian(self, features: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_std = self.actor(features).chunk(2, dim=-1)
        return mean, log_std.clamp(*LOG_STD_RANGE)

    def _sample(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Reparametrised actions (T, B, A) and their log densities (T, B)."""
        mean, log_std = self._gaussian(features)
        return squash(mean, log_std, self._normal(mean))
