"""TD3+BC (Fujimoto & Gu 2021, arXiv 2106.06860); updates as in CORL's td3_bc.py."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from trajprompt.numerics.flat_adamw import FlatAdamW
from trajprompt.numerics.networks import LANES, StackedMLP, TwinCritic, flatten_parameters
from trajprompt.offline.protocol import Learner, Noise, OfflineOptions, Sizes, register
from trajprompt.settings.options import NonNegative, SmallCount
from trajprompt.trajectories.transitions import Batch


@dataclass(frozen=True)
class Td3BcOptions(OfflineOptions):
    """Defaults: the paper's Table 3."""

    alpha: NonNegative = 2.5  # weight of the value against imitation
    target_noise: NonNegative = 0.2  # standard deviation, on target actions
    noise_clip: NonNegative = 0.5
    policy_delay: SmallCount = 2  # critic updates per policy update


@register("td3-bc", Td3BcOptions)
class Td3Bc(Learner):
    layer_norm = False  # in the critics

    def __init__(
        self,
        sizes: Sizes,
        options: Td3BcOptions,
        weights: Sequence[torch.Generator],
        noise: Noise,
        device: str,
    ):
        self.options, self.noise = options, noise
        hidden = (options.width,) * options.layers
        actor = StackedMLP(sizes.stack, (sizes.states, *hidden, sizes.actions), weights)
        pair = (sizes.states + sizes.actions, *hidden, 1)
        critic = TwinCritic(sizes.stack, pair, weights, self.layer_norm, torch.float32)
        self.actor, self.critic = actor.to(device), critic.to(device)
        self.target_actor = copy.deepcopy(self.actor).requires_grad_(False)
        self.target_critic = copy.deepcopy(self.critic).requires_grad_(False)
        rate = options.learning_rate
        self.optimisers = {
            "actor": FlatAdamW(flatten_parameters(self.actor, LANES), rate),
            "critic": FlatAdamW(flatten_parameters(self.critic, LANES), rate),
        }
        self.averages = {
            "actor": flatten_parameters(self.target_actor, LANES),
            "critic": flatten_parameters(self.target_critic, LANES),
        }

    def update(self, batch: Batch) -> dict[str, Tensor]:
        losses = {"critic": self._update_critic(batch)}
        self.done += 1
        if self.done % self.options.policy_delay == 0:
            losses["actor"] = self._update_actor(batch)
            for name, average in self.averages.items():
                average.lerp_(self.optimisers[name].vector, self.options.target_rate)
        return losses

    def _update_critic(self, batch: Batch) -> Tensor:
        with torch.no_grad():
            actions = self._target_actions(batch)
            values = self.target_critic(batch.next_states, actions).amin(0)
            values = values - self._critic_penalty(actions, batch)
            alive = 1 - batch.terminations
            targets = batch.rewards + self.options.discount * alive * values
        found = self.critic(batch.states, batch.actions)  # (2, T, B)
        losses = (found - targets).square().mean(-1).sum(0)  # (T,)
        self.optimisers["critic"].minimise(losses.sum())
        return losses.detach()

    def _target_actions(self, batch: Batch) -> Tensor:
        actions = self.target_actor(batch.next_states).tanh()
        clip, scale = self.options.noise_clip, self.options.target_noise
        noise = (self.noise.normal(*actions.shape[1:]) * scale).clamp(-clip, clip)
        return (actions + noise).clamp(-1, 1)

    def _critic_penalty(self, actions: Tensor, batch: Batch) -> Tensor | float:
        """Penalty of target actions; TD3+BC has none."""
        return 0.0

    def _update_actor(self, batch: Batch) -> Tensor:
        actions = self.actor(batch.states).tanh()
        losses = self._actor_loss(actions, batch)
        self.optimisers["actor"].minimise(losses.sum())
        return losses.detach()

    def _actor_loss(self, actions: Tensor, batch: Batch) -> Tensor:
        """Loss (T,) of the policy's ``actions``, Eq. 5 of the paper."""
        values = self.critic(batch.states, actions, frozen=True)[0]  # (T, B), the first
        weight = self.options.alpha / values.detach().abs().mean(-1)
        imitation = (actions - batch.actions).square().mean((1, 2))
        return imitation - weight * values.mean(-1)
