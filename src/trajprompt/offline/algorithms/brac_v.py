"""BRAC-v: BRAC with value penalty, primal KL (Wu, Tucker & Nachum 2019, arXiv 1911.11361).

A behaviour policy is cloned first. Then the divergence of the policy from it, estimated
from samples, is subtracted from the targets of values and from the policy's objective.
Updates follow ``brac_primal_agent.py`` of google-research's
behavior_regularized_offline_rl.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from trajprompt.numerics.networks import StackedMLP
from trajprompt.numerics.tanh_gaussian import log_density, squash
from trajprompt.offline.networks import optimiser, target_of, twin_critic
from trajprompt.offline.noise import Noise
from trajprompt.offline.protocol import Learner, OfflineOptions, Sizes
from trajprompt.offline.registration import register
from trajprompt.settings.options import NonNegative, Rate, Share, SmallCount
from trajprompt.trajectories.transitions import Batch

LOG_STD_RANGE = (-5.0, 0.0)  # of both policies, by a tanh


@dataclass(frozen=True)
class BracVOptions(OfflineOptions):
    """Defaults: the code's ``run_primal.sh``, but widths and batch of the others here.

    There critics have 300 units per layer and policies 200.
    """

    learning_rate: Rate = 1e-3  # of the critics
    policy_rate: Rate = 3e-4
    clone_rate: Rate = 5e-4
    clone_share: Share = 0.375  # of all updates, before the others; 300k of 800k
    warm_share: Share = (
        0.04  # of the others, in which the policy only imitates; 20k of 500k
    )
    alpha: NonNegative = 0.1  # weight of the divergence
    samples: SmallCount = 4  # actions per state that estimate it


@register("brac-v", BracVOptions)
class BracV(Learner):
    def __init__(
        self,
        sizes: Sizes,
        options: BracVOptions,
        weights: Sequence[torch.Generator],
        noise: Noise,
        device: str,
    ):
        self.options, self.noise, self.sizes = options, noise, sizes
        shape = (sizes.states, *options.hidden, 2 * sizes.actions)
        self.actor = StackedMLP(sizes.stack, shape, weights).to(device)
        self.behaviour = StackedMLP(sizes.stack, shape, weights).to(device)
        self.critic = twin_critic(sizes, options, weights, device)
        self.target_critic, average = target_of(self.critic)
        self.clone_updates = int(options.clone_share * sizes.updates)
        rest = sizes.updates - self.clone_updates
        self.warm_until = self.clone_updates + int(options.warm_share * rest)
        self.optimisers = {
            "actor": optimiser(self.actor, options.policy_rate),
            "behaviour": optimiser(self.behaviour, options.clone_rate),
            "critic": optimiser(self.critic, options.learning_rate),
        }
        self.averages = {"critic": average}

    def update(self, batch: Batch) -> dict[str, Tensor]:
        """Clone the behaviour policy, or update critics and policy."""
        self.done += 1
        if self.done <= self.clone_updates:
            log_probs = log_density(batch.actions, *_gaussian(self.behaviour, batch.states))
            losses = -log_probs.mean(-1)
            self.optimisers["behaviour"].minimise(losses.sum())
            return {"behaviour": losses.detach()}
        critic_losses = self._update_critic(batch)
        actor_losses = self._update_actor(batch)
        self.averages["critic"].lerp_(
            self.optimisers["critic"].vector, self.options.target_rate
        )
        return {"critic": critic_losses, "actor": actor_losses}

    def _update_critic(self, batch: Batch) -> Tensor:
        with torch.no_grad():
            actions, divergence = self._sample(batch.next_states)
            values = self.target_critic(batch.next_states, actions[:, :, 0]).amin(0)
            values = values - self.options.alpha * divergence
            alive = 1 - batch.terminations
            targets = batch.rewards + self.options.discount * alive * values
        found = self.critic(batch.states, batch.actions)
        losses = (found - targets).square().mean(-1).sum(0)
        self.optimisers["critic"].minimise(losses.sum())
        return losses.detach()

    def _update_actor(self, batch: Batch) -> Tensor:
        actions, divergence = self._sample(batch.states)
        losses = self.options.alpha * divergence.mean(-1)
        if self.done > self.warm_until:
            values = self.critic(batch.states, actions[:, :, 0], frozen=True).amin(0)
            losses = losses - values.mean(-1)
        self.optimisers["actor"].minimise(losses.sum())
        return losses.detach()

    def _sample(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """Actions (T, B, n, A) of the policy, and its divergence (T, B) from behaviour."""
        mean, log_std = (part[:, :, None] for part in _gaussian(self.actor, states))
        noise = self.noise.normal(states.shape[1], self.options.samples, self.sizes.actions)
        actions, log_probs = squash(mean, log_std.expand_as(noise), noise)
        with torch.no_grad():
            behaviour = [part[:, :, None] for part in _gaussian(self.behaviour, states)]
        return actions, (log_probs - log_density(actions, *behaviour)).mean(-1)


def _gaussian(network: StackedMLP, states: Tensor) -> tuple[Tensor, Tensor]:
    """Means and log standard deviations, which a tanh keeps in `LOG_STD_RANGE`."""
    mean, raw = network(states).chunk(2, dim=-1)
    low, high = LOG_STD_RANGE
    return mean, low + 0.5 * (high - low) * (raw.tanh() + 1)
