"""Conservative Q-learning, CQL(H) (Kumar et al. 2020, arXiv 2006.04779).

Soft actor-critic whose critics also learn low values of sampled actions and high values
of the data's. The log-sum-exp over actions is estimated by importance sampling. Updates
follow CORL's cql.py, but factor and offset of log σ are constant.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from trajprompt.numerics.flat_adamw import FlatAdamW
from trajprompt.numerics.gaussian import LOG_STD_RANGE
from trajprompt.numerics.networks import StackedMLP
from trajprompt.numerics.tanh_gaussian import squash
from trajprompt.offline.networks import optimiser, target_of, twin_critic
from trajprompt.offline.noise import Noise
from trajprompt.offline.protocol import Learner, OfflineOptions, Sizes
from trajprompt.offline.registration import register
from trajprompt.settings.options import NonNegative, Rate, SmallCount
from trajprompt.trajectories.transitions import Batch

# log σ is the network's output plus this. CORL has a factor, initially 1, and this offset,
# and learns both.
LOG_STD_SHIFT = -1.0


@dataclass(frozen=True)
class CqlOptions(OfflineOptions):
    """Defaults: CORL's configs for MuJoCo."""

    layers: SmallCount = 3
    policy_rate: Rate = 3e-5  # learning rate of the policy and of the temperature
    alpha: NonNegative = 10.0  # weight of the penalty
    samples: SmallCount = 10  # actions of each of the three kinds


@register("cql", CqlOptions)
class Cql(Learner):
    def __init__(
        self,
        sizes: Sizes,
        options: CqlOptions,
        weights: Sequence[torch.Generator],
        noise: Noise,
        device: str,
    ):
        self.options, self.noise, self.sizes = options, noise, sizes
        outputs = 2 * sizes.actions  # mean and log standard deviation
        shape = (sizes.states, *options.hidden, outputs)
        self.actor = StackedMLP(sizes.stack, shape, weights).to(device)
        self.critic = twin_critic(sizes, options, weights, device)
        self.target_critic, average = target_of(self.critic)
        self.log_temperature = torch.zeros(sizes.stack, 1, device=device)
        self.log_temperature.grad = torch.zeros_like(self.log_temperature)
        self.optimisers = {
            "actor": optimiser(self.actor, options.policy_rate),
            "critic": optimiser(self.critic, options.learning_rate),
            "temperature": FlatAdamW(self.log_temperature, options.policy_rate),
        }
        self.averages = {"critic": average}

    def update(self, batch: Batch) -> dict[str, Tensor]:
        """Update temperature and policy, then the critics with the policy before that."""
        with torch.no_grad():
            following, _ = self._sample(batch.next_states)
            sampled = self._sampled_actions(batch)
        actor_losses = self._update_actor(batch)
        td, penalty = self._update_critic(batch, following, *sampled)
        self.averages["critic"].lerp_(
            self.optimisers["critic"].vector, self.options.target_rate
        )
        self.done += 1
        return {"actor": actor_losses, "critic": td, "penalty": penalty}

    def _update_actor(self, batch: Batch) -> Tensor:
        temperature = self.log_temperature.exp()  # (T, 1)
        actions, log_probs = self._sample(batch.states)
        values = self.critic(batch.states, actions, frozen=True).amin(0)
        losses = (temperature * log_probs - values).mean(-1)
        self.optimisers["actor"].minimise(losses.sum())
        # d/d(log temperature) of -log_temperature * (log_probs + target entropy).
        surplus = -(log_probs.detach().mean(-1, keepdim=True) - self.sizes.actions)
        self.log_temperature.grad = surplus
        self.optimisers["temperature"].step()
        return losses.detach()

    def _update_critic(
        self, batch: Batch, following: Tensor, actions: Tensor, log_probs: Tensor
    ) -> tuple[Tensor, Tensor]:
        options = self.options
        with torch.no_grad():
            values = self.target_critic(batch.next_states, following).amin(0)
            alive = 1 - batch.terminations
            targets = batch.rewards + options.discount * alive * values
        count = actions.shape[2]  # 3n
        states = batch.states[:, :, None].expand(-1, -1, count, -1)
        flat = states.flatten(1, 2), actions.flatten(1, 2)
        found = self.critic(batch.states, batch.actions)  # (2, T, B)
        others = self.critic(*flat).unflatten(-1, (-1, count))  # (2, T, B, 3n)
        td = (found - targets).square().mean(-1).sum(0)
        penalty = conservative_penalty(others, log_probs, found).mean(-1).sum(0)
        self.optimisers["critic"].minimise((td + options.alpha * penalty).sum())
        return td.detach(), penalty.detach()

    def _sampled_actions(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Actions (T, B, 3n, A) and log densities (T, B, 3n): uniform, of s, and of s'."""
        rows, count = batch.rewards.shape[1], self.options.samples
        uniform = self.noise.uniform(rows, count, self.sizes.actions)
        density = torch.full(uniform.shape[:-1], -self.sizes.actions * math.log(2))
        drawn = [(uniform, density.to(uniform))]
        for states in (batch.states, batch.next_states):
            mean, log_std = (part[:, :, None] for part in self._gaussian(states))
            noise = self.noise.normal(rows, count, self.sizes.actions)
            drawn.append(squash(mean, log_std.expand_as(noise), noise))
        actions, densities = zip(*drawn, strict=True)
        return torch.cat(actions, 2), torch.cat(densities, 2)

    def _gaussian(self, states: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_std = self.actor(states).chunk(2, dim=-1)
        return mean, (log_std + LOG_STD_SHIFT).clamp(*LOG_STD_RANGE)

    def _sample(self, states: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_std = self._gaussian(states)
        return squash(mean, log_std, self.noise.normal(*mean.shape[1:]))


def conservative_penalty(others: Tensor, log_probs: Tensor, found: Tensor) -> Tensor:
    """Penalty (2, T, B): log-sum-exp of sampled actions' values minus the data's values.

    ``others`` (2, T, B, n) are divided by their densities, exp of ``log_probs`` (T, B, n).
    The constant log n is left out, as in CORL.
    """
    return (others - log_probs).logsumexp(-1) - found
