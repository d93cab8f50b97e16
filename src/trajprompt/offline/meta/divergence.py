"""Dual form of the KL divergence between a policy and the data's actions.

A discriminator of states and actions maximises a lower bound of the divergence (BRAC,
arXiv 1911.11361, section 4). The bound is tight if its softplus is the ratio of densities.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

EPSILON = 1e-8  # in the logarithm and the root; BRAC's code
PENALTY = 5.0  # weight of the gradient penalty; BRAC's code


def dual_divergence(ours: Tensor, logged: Tensor) -> Tensor:
    """Estimates (..), in nats, from the discriminator's outputs (..).

    They are its outputs for actions of the policy and of the data.
    """
    return (functional.softplus(ours) + EPSILON).log() - functional.softplus(logged) + 1


def gradient_penalty(
    discriminator: Callable[[Tensor], Tensor],
    ours: Tensor,
    logged: Tensor,
    places: Tensor,
    of_values: bool = False,
) -> Tensor:
    """Penalty (T,) of slopes above 1 at actions between ``ours`` and ``logged`` (T, R, A).

    The discriminator maps actions to (T, R); ``places`` (T, R) are shares of the way.
    With ``of_values``, its values take the place of slopes, as in FOCAL's code.
    """
    between = ours + places[..., None] * (logged - ours)
    between = between.detach().requires_grad_()
    values = discriminator(between)
    if of_values:
        squares = values.square()
    else:
        (gradient,) = torch.autograd.grad(values.sum(), between, create_graph=True)
        squares = gradient.square().sum(-1)
    slopes = (squares + EPSILON).sqrt()
    return PENALTY * (slopes - 1).clamp(min=0).square().mean(-1)
