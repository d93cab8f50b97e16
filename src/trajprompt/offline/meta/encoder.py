"""Encoders of contexts: a mean of codes (FOCAL), or a product of Gaussians (PEARL).

A network reads each transition by itself. Its outputs are combined over the context, so
that their order has no effect.
"""

from torch import Tensor
from torch.nn import functional

from trajprompt.numerics.networks import StackedMLP

SMALLEST_VARIANCE = 1e-7  # of one transition's Gaussian; PEARL's code


def each_transition(network: StackedMLP, context: Tensor) -> Tensor:
    """Outputs (T, M, n, O) of the network for a context (T, M, n, C)."""
    return network(context.flatten(1, 2)).unflatten(1, context.shape[1:3])


def mean_code(network: StackedMLP, context: Tensor) -> Tensor:
    """Codes (T, M, Z) in (-1, 1): the mean of tanh over the context (T, M, n, C)."""
    return each_transition(network, context).tanh().mean(2)


def posterior(network: StackedMLP, context: Tensor) -> tuple[Tensor, Tensor]:
    """Means and variances (T, M, Z) of the codes of a context (T, M, n, C)."""
    means, raw = each_transition(network, context).chunk(2, dim=-1)
    return product_of_gaussians(means, functional.softplus(raw))


def product_of_gaussians(means: Tensor, variances: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance (T, M, Z) of the normalised product of n Gaussians (T, M, n, Z)."""
    precisions = variances.clamp(min=SMALLEST_VARIANCE).reciprocal()
    variance = precisions.sum(2).reciprocal()
    return variance * (precisions * means).sum(2), variance


def divergence_from_prior(mean: Tensor, variance: Tensor, prior_std: float) -> Tensor:
    """KL (..), in nats, of Gaussians (.., Z) from N(0, prior_std²), summed over Z."""
    ratio = variance / prior_std**2
    return 0.5 * (ratio + (mean / prior_std).square() - 1 - ratio.log()).sum(-1)
