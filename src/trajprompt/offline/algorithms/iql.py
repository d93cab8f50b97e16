"""Implicit Q-learning, IQL (Kostrikov et al. 2022, arXiv 2110.06169).

A state's value is an expectile of its actions' values, so no action outside the data is
evaluated. The policy imitates actions with weights that grow exponentially with their
advantages. Updates follow CORL's iql.py.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from trajprompt.numerics.gaussian import LOG_STD_RANGE, negative_log_density
from trajprompt.numerics.networks import StackedMLP
from trajprompt.offline.networks import optimiser, target_of, twin_critic
from trajprompt.offline.noise import Noise
from trajprompt.offline.protocol import Learner, OfflineOptions, Sizes
from trajprompt.offline.registration import register
from trajprompt.settings.options import Positive, Share
from trajprompt.trajectories.transitions import Batch


@dataclass(frozen=True)
class IqlOptions(OfflineOptions):
    """Defaults: the paper's for MuJoCo (appendix B)."""

    expectile: Share = 0.7
    beta: Positive = 3.0  # inverse temperature of the weights of imitation
    largest_weight: Positive = 100.0
    policy: Literal["gaussian", "deterministic"] = "gaussian"
    schedule: Literal["constant", "cosine"] = "cosine"  # of the policy's learning rate


def expectile_loss(errors: Tensor, expectile: float) -> Tensor:
    """Squared errors (..,) weighted by ``expectile`` if positive, else by 1 - expectile."""
    weights = torch.where(errors > 0, expectile, 1 - expectile)
    return weights * errors.square()


@register("iql", IqlOptions)
class Iql(Learner):
    actor: "_Policy"

    def __init__(
        self,
        sizes: Sizes,
        options: IqlOptions,
        weights: Sequence[torch.Generator],
        noise: Noise,
        device: str,
    ):
        self.options, self.noise, self.sizes = options, noise, sizes
        layers = (sizes.states, *options.hidden)
        self.actor = _Policy(sizes.stack, (*layers, sizes.actions), weights).to(device)
        self.critic = twin_critic(sizes, options, weights, device)
        self.value = StackedMLP(sizes.stack, (*layers, 1), weights).to(device)
        self.target_critic, average = target_of(self.critic)
        networks = {"actor": self.actor, "critic": self.critic, "value": self.value}
        self.optimisers = {
            name: optimiser(network, options.learning_rate)
            for name, network in networks.items()
        }
        self.averages = {"critic": average}

    def update(self, batch: Batch) -> dict[str, Tensor]:
        """Update V, then Q with V before this update, the target, and the policy."""
        with torch.no_grad():
            following = self.value(batch.next_states)[..., 0]  # (T, B)
            best = self.target_critic(batch.states, batch.actions).amin(0)
        advantages = best - self.value(batch.states)[..., 0]
        value_losses = expectile_loss(advantages, self.options.expectile).mean(-1)
        self.optimisers["value"].minimise(value_losses.sum())
        alive = 1 - batch.terminations
        targets = batch.rewards + self.options.discount * alive * following
        found = self.critic(batch.states, batch.actions)  # (2, T, B)
        critic_losses = (found - targets).square().mean(-1).mean(0)
        self.optimisers["critic"].minimise(critic_losses.sum())
        self.averages["critic"].lerp_(
            self.optimisers["critic"].vector, self.options.target_rate
        )
        actor_losses = self._update_actor(batch, advantages.detach())
        self.done += 1
        losses = {"value": value_losses, "critic": critic_losses, "actor": actor_losses}
        return {name: loss.detach() for name, loss in losses.items()}

    def _update_actor(self, batch: Batch, advantages: Tensor) -> Tensor:
        options = self.options
        weights = (options.beta * advantages).exp().clamp(max=options.largest_weight)
        mean = self.actor(batch.states).tanh()
        if options.policy == "gaussian":
            log_std = self.actor.log_std.clamp(*LOG_STD_RANGE)  # (T, 1, A)
            noise = (batch.actions - mean) * (-log_std).exp()
            surprise = negative_log_density(noise, log_std).sum(-1)
        else:
            surprise = (mean - batch.actions).square().sum(-1)
        losses = (weights * surprise).mean(-1)
        if options.schedule == "cosine":
            share = 0.5 * (1 + math.cos(math.pi * self.done / self.sizes.updates))
            self.optimisers["actor"].learning_rate = options.learning_rate * share
        self.optimisers["actor"].minimise(losses.sum())
        return losses


class _Policy(StackedMLP):
    """Means of actions, and log standard deviations that do not depend on the state."""

    def __init__(
        self, stack: int, sizes: tuple[int, ...], generators: Sequence[torch.Generator]
    ):
        super().__init__(stack, sizes, generators)
        self.log_std = torch.nn.Parameter(torch.zeros(stack, 1, sizes[-1]))
