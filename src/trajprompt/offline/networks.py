"""Networks of a learner: critics of its sizes, target networks, and their optimisers.

Networks draw their initial weights in the order in which they are made.
"""

import copy
from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn

from trajprompt.numerics.flat_adamw import FlatAdamW
from trajprompt.numerics.networks import LANES, TwinCritic, flatten_parameters
from trajprompt.offline.protocol import OfflineOptions, Sizes

Network = TypeVar("Network", bound=nn.Module)


def twin_critic(
    sizes: Sizes,
    options: OfflineOptions,
    weights: Sequence[torch.Generator],
    device: str,
    layer_norm: bool = False,
) -> TwinCritic:
    """Twin critics of states (T, B, S) and actions (T, B, A)."""
    shape = (sizes.states + sizes.actions, *options.hidden, 1)
    return TwinCritic(sizes.stack, shape, weights, layer_norm, torch.float32).to(device)


def target_of(network: Network) -> tuple[Network, Tensor]:
    """Return a copy of ``network`` that is not learned, and the vector of its parameters.

    The vector is one of `Learner.averages`: its Polyak steps change the copy.
    """
    target = copy.deepcopy(network).requires_grad_(False)
    return target, flatten_parameters(target, LANES)


def optimiser(network: nn.Module, learning_rate: float) -> FlatAdamW:
    """Adam of all parameters of ``network``, which become views of its vector."""
    return FlatAdamW(flatten_parameters(network, LANES), learning_rate)
