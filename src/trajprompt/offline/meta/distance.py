"""FOCAL's distance metric: codes of one task attract, those of different tasks repel.

Distance metric learning of arXiv 2010.01112, with an inverse square for different tasks.
Constants are those of the authors' code, where d² is a mean over the dimensions of a code.
"""

import torch
from torch import Tensor

EPSILON = 1e-3  # in the root, and in the numbers of pairs
NEGATIVE_EPSILON = 0.1  # in the inverse


def distance_loss(codes: Tensor, tasks: Tensor) -> Tensor:
    """Loss (T,) of the codes (T, M, Z) of ``tasks`` (T, M).

    The mean of sqrt(d² + 1e-3) over pairs of the same task, plus that of 1 / (d² + 0.1)
    over those of different tasks. A sum is divided by the number of its pairs plus 1e-3, so
    it is 0 without a pair.
    """
    squares = (codes[:, :, None] - codes[:, None]).square().mean(-1)  # (T, M, M)
    pairs = torch.ones_like(squares).triu(1)  # each pair once
    same = pairs * (tasks[:, :, None] == tasks[:, None])
    attracted = _mean((squares + EPSILON).sqrt(), same)
    return attracted + _mean((squares + NEGATIVE_EPSILON).reciprocal(), pairs - same)


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    """Sum (T,) of the weighted values (T, M, M), divided by the sum of weights + 1e-3."""
    return (values * weights).sum((1, 2)) / (weights.sum((1, 2)) + EPSILON)
