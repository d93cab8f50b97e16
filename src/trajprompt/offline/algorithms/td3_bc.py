"""TD3+BC: TD3 whose policy also imitates the data (Fujimoto & Gu 2021, arXiv 2106.06860).

The deterministic policy maximises its value, divided by the mean size of values, less
the squared distance to the data's action. Updates follow CORL's td3_bc.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from trajprompt.numerics.networks import StackedMLP
from trajprompt.offline.networks import optimiser, target_of, twin_critic
from trajprompt.offline.noise import Noise
from trajprompt.offline.protocol import Learner, OfflineOptions, Sizes
from trajprompt.offline.registration import register
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
        shape = (sizes.states, *options.hidden, sizes.actions)
        self.actor = StackedMLP(sizes.stack, shape, weights).to(device)
        self.critic = twin_critic(sizes, options, weights, device, self.layer_norm)
        self.target_actor, actor_average = target_of(self.actor)
        self.target_critic, critic_average = target_of(self.critic)
        self.optimisers = {
            "actor": optimiser(self.actor, options.learning_rate),
            "critic": optimiser(self.critic, options.learning_rate),
        }
        self.averages = {"actor": actor_average, "critic": critic_average}

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
