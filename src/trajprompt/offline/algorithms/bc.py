"""Behaviour cloning: a deterministic policy learns the actions of the data.

It minimises the mean squared error (Pomerleau 1989). Updates follow CORL's
any_percent_bc.py. With ``data_share: 0.1`` it is the 10 % BC of the Decision Transformer
(Chen et al. 2021, arXiv 2106.01345).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from trajprompt.numerics.networks import StackedMLP
from trajprompt.offline.networks import optimiser
from trajprompt.offline.noise import Noise
from trajprompt.offline.protocol import Learner, OfflineOptions, Sizes
from trajprompt.offline.registration import register
from trajprompt.settings.options import OptionError
from trajprompt.trajectories.transitions import Batch

UNUSED = ("discount", "target_rate", "reward_scale")  # it learns no values


@dataclass(frozen=True)
class BcOptions(OfflineOptions):
    """No options of its own. Values other than the defaults of `UNUSED` are refused."""

    def __post_init__(self) -> None:
        for name in UNUSED:
            value, default = getattr(self, name), getattr(OfflineOptions, name)
            if value != default:
                expected = f"no value, or the default {default}: bc does not use it"
                raise OptionError(name, f"{value}", expected)


@register("bc", BcOptions)
class BehaviourCloning(Learner):
    def __init__(
        self,
        sizes: Sizes,
        options: BcOptions,
        weights: Sequence[torch.Generator],
        noise: Noise,
        device: str,
    ):
        shape = (sizes.states, *options.hidden, sizes.actions)
        self.actor = StackedMLP(sizes.stack, shape, weights).to(device)
        self.optimisers = {"actor": optimiser(self.actor, options.learning_rate)}
        self.averages, self.noise = {}, noise

    def update(self, batch: Batch) -> dict[str, Tensor]:
        error = self.actor(batch.states).tanh() - batch.actions
        losses = error.square().mean((1, 2))  # (T,)
        self.optimisers["actor"].minimise(losses.sum())
        self.done += 1
        return {"actor": losses.detach()}
