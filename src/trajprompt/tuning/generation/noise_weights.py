"""Weights of the noise predictor as views of one matrix, and its time network.

The same views of a gradient's matrix receive the gradients of the weights. The predictor is
last(mish(second(mish(first(x, y, time_out(mish(time_in(time)))))))) for every row.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from trajprompt.numerics.mish import mish_and_slope
from trajprompt.numerics.row_layers import RowLayer, RowLayers


class NoiseWeights(NamedTuple):
    """Views of weights or of their gradients (R, n)."""

    time_in: RowLayer  # time features -> twice as many
    time_out: RowLayer
    first: RowLayer  # prompt, condition and time -> W
    second: RowLayer  # W -> W
    last: RowLayer  # W -> d

    @classmethod
    def of(cls, layers: RowLayers, vectors: Tensor) -> "NoiseWeights":
        return cls(*layers.open(vectors))

    def terms(self, features: int, conditions: int) -> list[Tensor]:
        """First weights (R, ., W) of prompt (d), condition (c) and time."""
        sizes = [features, conditions, self.time_out.weight.shape[2]]
        return list(self.first.weight.split(sizes, dim=1))


class Times(NamedTuple):
    """Activations of the time network."""

    features: Tensor  # (R, B, time features)
    hidden: Tensor  # (R, B, ..) after Mish
    slope: Tensor  # (R, B, ..) of Mish
    out: Tensor  # (R, B, time features)

    @classmethod
    def of(cls, weights: NoiseWeights, features: Tensor) -> "Times":
        hidden, slope = mish_and_slope(weights.time_in(features))
        return cls(features, hidden, slope, weights.time_out(hidden))

    def backward(self, to_out: Tensor, weights: NoiseWeights, into: NoiseWeights) -> None:
        """Write the time network's gradients, given the gradient of ``out``."""
        put(into.time_out, self.hidden, to_out)
        to_hidden = to_out @ weights.time_out.weight.transpose(1, 2)
        put(into.time_in, self.features, to_hidden.mul_(self.slope))


def put(into: RowLayer, inputs: Tensor, to_outputs: Tensor) -> None:
    """Write the gradients of a layer, given its inputs and the gradient of its outputs."""
    torch.bmm(inputs.transpose(1, 2), to_outputs, out=into.weight)
    torch.sum(to_outputs, dim=1, keepdim=True, out=into.bias)
