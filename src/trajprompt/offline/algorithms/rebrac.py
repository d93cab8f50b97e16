"""ReBRAC: TD3+BC with penalised target actions (Tarasov et al. 2023, arXiv 2305.09836).

The squared distance to the data's next action is subtracted from targets. Critics have
normalised layers. Updates follow CORL's rebrac.py.
"""

from dataclasses import dataclass

from torch import Tensor

from trajprompt.offline.algorithms.td3_bc import Td3Bc, Td3BcOptions
from trajprompt.offline.registration import register
from trajprompt.settings.options import NonNegative, Rate, Size, SmallCount
from trajprompt.trajectories.transitions import Batch


@dataclass(frozen=True)
class RebracOptions(Td3BcOptions):
    """Defaults: CORL's. The penalties are those of most data sets, see the config."""

    layers: SmallCount = 3
    batch: Size = 1024
    learning_rate: Rate = 1e-3
    actor_penalty: NonNegative = 0.01  # beta_1, of the squared distance to the action
    critic_penalty: NonNegative = 0.01  # beta_2, of the squared distance to the next one


@register("rebrac", RebracOptions)
class Rebrac(Td3Bc):
    layer_norm = True
    options: RebracOptions

    def _critic_penalty(self, actions: Tensor, batch: Batch) -> Tensor:
        distances = (actions - batch.next_actions).square().sum(-1)  # (T, B)
        penalty = self.options.critic_penalty * self.options.reward_scale  # as values
        return penalty * batch.followed * distances

    def _actor_loss(self, actions: Tensor, batch: Batch) -> Tensor:
        values = self.critic(batch.states, actions, frozen=True).amin(0)  # (T, B)
        weight = 1 / values.detach().abs().mean(-1, keepdim=True)
        distances = (actions - batch.actions).square().sum(-1)
        return (self.options.actor_penalty * distances - weight * values).mean(-1)
