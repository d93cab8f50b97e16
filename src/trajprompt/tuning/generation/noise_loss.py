"""L_DM of Prompt Diffuser (arXiv 2411.01168, Eq. 10) with a hand-written gradient.

With small batches, PyTorch's graph takes several times as long as the arithmetic.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from trajprompt.numerics.mish import mish_and_slope
from trajprompt.numerics.row_layers import RowLayers
from trajprompt.tuning.generation.noise_weights import (
    NoiseWeights,
    Times,
    put,
)


class NoisyPrompts(NamedTuple):
    """Inputs and targets of the noise predictor; masks are 0 or 1 / (1 - rate), or None."""

    x: Tensor  # (R, B, d) noisy prompts
    y: Tensor  # (R, B, c) conditions
    times: Tensor  # (R, B, time features)
    noise: Tensor  # (R, B, d)
    masks: tuple[Tensor | None, Tensor | None]  # (R, B, W) dropout of the hidden layers


def noise_loss(vectors: Tensor, layers: RowLayers, given: NoisyPrompts) -> Tensor:
    """Return the mean squared errors (R,) of the noise that weights (R, n) predict."""
    return _NoiseLoss.apply(vectors, layers, given)


class _NoiseLoss(torch.autograd.Function):
    @staticmethod
    def forward(
        context: Any, vectors: Tensor, layers: RowLayers, given: NoisyPrompts
    ) -> Tensor:
        weights = NoiseWeights.of(layers, vectors)
        times = Times.of(weights, given.times)
        inputs = torch.cat([given.x, given.y, times.out], dim=-1)
        hidden, first_slope = mish_and_slope(weights.first(inputs))
        hidden = _drop(hidden, given.masks[0])
        last, second_slope = mish_and_slope(weights.second(hidden))
        last = _drop(last, given.masks[1])
        errors = weights.last(last).sub_(given.noise)
        context.saved = layers, given, weights, times
        context.save_for_backward(
            vectors, errors, inputs, hidden, first_slope, last, second_slope
        )
        return errors.square().mean(dim=(1, 2))

    @staticmethod
    @once_differentiable
    def backward(context: Any, gradient: Tensor) -> Any:
        layers, given, weights, times = context.saved
        vectors, errors, inputs, hidden, first_slope, last, second_slope = (
            context.saved_tensors
        )
        found = torch.empty_like(vectors)
        into = NoiseWeights.of(layers, found)
        to_out = errors * (gradient[:, None, None] * (2 / errors[0].numel()))
        put(into.last, last, to_out)
        to_last = _drop(to_out @ weights.last.weight.transpose(1, 2), given.masks[1])
        to_second = to_last.mul_(second_slope)
        put(into.second, hidden, to_second)
        to_hidden = _drop(to_second @ weights.second.weight.transpose(1, 2), given.masks[0])
        to_inner = to_hidden.mul_(first_slope)
        put(into.first, inputs, to_inner)
        *_, time_weight = weights.terms(given.x.shape[-1], given.y.shape[-1])
        times.backward(to_inner @ time_weight.transpose(1, 2), weights, into)
        return found, None, None


def _drop(x: Tensor, mask: Tensor | None) -> Tensor:
    """Apply a dropout mask in place."""
    return x if mask is None else x.mul_(mask)
