"""A block of a frozen backbone, forward and backward.

Weights are constants, so the backward pass computes only gradients of tokens, and attention
is folded (blocks.py): normalised inputs are both keys and values.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from trajprompt.models.blocks import EPSILON
from trajprompt.models.inference import Affine, InferenceAdaptor, InferenceBlock
from trajprompt.numerics.linear import linear, linear_add, linear_relu


class Normalised(NamedTuple):
    """A layer norm's input, output and statistics."""

    x: Tensor  # (B, T, W)
    out: Tensor  # (B, T, W)
    mean: Tensor  # (B, T, 1)
    inverse: Tensor  # (B, T, 1): inverse standard deviation

    @classmethod
    def of(cls, x: Tensor, norm: Affine) -> "Normalised":
        shape = x.shape[-1:]
        return cls(x, *torch.native_layer_norm(x, shape, norm.weight, norm.bias, EPSILON))

    def backward(self, gradient: Tensor, norm: Affine) -> Tensor:
        """Return the gradient of the first Q tokens of x, given that of ``out``.

        Both are (B, Q, W).
        """
        parts = (self.x, self.mean, self.inverse)
        x, mean, inverse = (x[:, : gradient.shape[1]].contiguous() for x in parts)
        given = gradient, x, gradient.shape[-1:], mean, inverse, norm.weight, norm.bias
        wanted = [True, False, False]
        found: Tensor = torch.ops.aten.native_layer_norm_backward(*given, wanted)[0]
        return found


class Saved(NamedTuple):
    """Results of a forward pass that the backward pass needs."""

    queries: slice  # the Q tokens
    before: Normalised  # of the block's input
    query: Tensor  # (B, Q, W)
    weights: Tensor  # (B, Q, T) of the attention
    between: Normalised  # of the input of the perceptron
    hidden: Tensor  # (B, Q, inner) after the ReLU
    bottleneck: Tensor | None  # (B, Q, .) of the adaptor, before its activation


class FrozenBlock:
    """A block and its adaptor."""

    def __init__(self, block: InferenceBlock):
        self.block = block
        maps = block.query, block.value, block.expand, block.contract
        self.query_back, self.value_back, self.expand_back, self.contract_back = (
            transposed(one) for one in maps
        )
        self.adaptor = FrozenAdaptor(block.adaptor) if block.adaptor else None

    def forward(self, x: Tensor, mask: Tensor, queries: slice) -> tuple[Tensor, Saved]:
        """Map tokens (B, T, W) to the outputs (B, Q, W) of the tokens ``queries``.

        ``mask`` (B, T, T) is additive.
        """
        block = self.block
        before = Normalised.of(x, block.norm_attention)
        keys = before.out
        query = linear(keys[:, queries].contiguous(), *block.query)
        scores = torch.baddbmm(mask[:, queries], query, keys.transpose(1, 2))
        weights = torch.softmax(scores, dim=-1)
        mixed, residual = torch.bmm(weights, keys), x[:, queries].contiguous()
        x = linear_add(mixed, *block.value, residual=residual)
        between = Normalised.of(x, block.norm_mlp)
        hidden = linear_relu(between.out, *block.expand)
        x = linear_add(hidden, *block.contract, residual=x)
        bottleneck = None
        if self.adaptor is not None:
            x, bottleneck = self.adaptor.forward(x)
        return x, Saved(queries, before, query, weights, between, hidden, bottleneck)

    def backward(self, gradient: Tensor, saved: Saved, first: int) -> Tensor:
        """Return the gradient (B, first, W) of the first tokens, given that of the outputs.

        ``gradient`` is (B, Q, W). A block of all tokens can be asked for fewer than T.
        """
        if self.adaptor is not None:
            assert saved.bottleneck is not None
            gradient = self.adaptor.backward(gradient, saved.bottleneck)
        to_hidden = linear(gradient, self.contract_back)
        torch.ops.aten.threshold_backward.grad_input(
            to_hidden, saved.hidden, 0, grad_input=to_hidden
        )
        to_norm = linear(to_hidden, self.expand_back)
        residual = saved.between.backward(to_norm, self.block.norm_mlp).add_(gradient)
        to_mixed, keys = linear(residual, self.value_back), saved.before.out
        to_scores = _softmax_backward(to_mixed @ keys.transpose(1, 2), saved.weights)
        some = slice(first)
        to_keys = torch.bmm(saved.weights[:, :, some].transpose(1, 2), to_mixed)
        to_keys.baddbmm_(to_scores[:, :, some].transpose(1, 2), saved.query)
        asking = some if first < keys.shape[1] else saved.queries
        to_query = torch.bmm(to_scores[:, some], keys)
        to_keys[:, asking] += linear(to_query, self.query_back)
        found = saved.before.backward(to_keys, self.block.norm_attention)
        found[:, asking] += residual[:, some]
        return found


class FrozenAdaptor:
    """An adaptor, forward and backward."""

    def __init__(self, adaptor: InferenceAdaptor):
        self.down, self.up = adaptor.down, adaptor.up
        self.down_back, self.up_back = transposed(self.down), transposed(self.up)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map tokens (B, T, W) to outputs and bottleneck before its activation."""
        bottleneck = linear(x, *self.down)
        return linear_add(F.gelu(bottleneck), *self.up, residual=x), bottleneck

    def backward(self, gradient: Tensor, bottleneck: Tensor) -> Tensor:
        """Return the gradient (B, T, W) of the tokens."""
        to_bottleneck = linear(gradient, self.up_back)
        to_bottleneck = torch.ops.aten.gelu_backward(to_bottleneck, bottleneck)
        return linear(to_bottleneck, self.down_back).add_(gradient)


def transposed(one: Affine) -> Tensor:
    """Return the weight of the backward map (in, out)."""
    return one.weight.t().contiguous()


def _softmax_backward(gradient: Tensor, weights: Tensor) -> Tensor:
    """Return the gradient of the scores, given that of their softmax."""
    function = torch.ops.aten._softmax_backward_data
    found: Tensor = function(gradient, weights, -1, weights.dtype)
    return found
