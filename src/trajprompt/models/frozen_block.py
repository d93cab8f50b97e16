"""A block of a frozen backbone, forward and backward, on prompts and their contexts.

Weights are constants, so the backward pass computes only gradients of tokens. Prompt tokens
do not attend to contexts: each of R prompts is encoded once for its b contexts. All tokens
are rows of one matrix (N, W), first those of the prompts.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from trajprompt.models.blocks import EPSILON
from trajprompt.models.frozen_attention import Attention, Layout, Masks
from trajprompt.models.inference import Affine, InferenceAdaptor, InferenceBlock
from trajprompt.numerics.linear import linear, linear_add, linear_relu


class Normalised(NamedTuple):
    """A layer norm's input, output and statistics."""

    x: Tensor  # (N, W)
    out: Tensor  # (N, W)
    mean: Tensor  # (N, 1)
    inverse: Tensor  # (N, 1): inverse standard deviation

    @classmethod
    def of(cls, x: Tensor, norm: Affine) -> "Normalised":
        shape = x.shape[-1:]
        return cls(x, *torch.native_layer_norm(x, shape, norm.weight, norm.bias, EPSILON))

    def rows(self, count: int) -> "Normalised":
        """Return the first ``count`` rows."""
        return Normalised(*(part[:count] for part in self))

    def backward(self, gradient: Tensor, norm: Affine) -> Tensor:
        """Return the gradient (N, W) of x, given that of ``out``."""
        statistics, wanted = (self.mean, self.inverse), [True, False, False]
        function = torch.ops.aten.native_layer_norm_backward
        given = gradient, self.x, self.x.shape[-1:], *statistics
        found: Tensor = function(*given, norm.weight, norm.bias, wanted)[0]
        return found


class Saved(NamedTuple):
    """Results of a forward pass that the backward pass needs."""

    attention: Attention
    before: Normalised  # of the block's input
    between: Normalised  # of the input of the perceptron
    hidden: Tensor  # (N', inner) after the ReLU
    bottleneck: Tensor | None  # of the adaptor, before its activation


class FrozenBlock:
    """A block and its adaptor; ``is_last``: outputs are computed at state tokens only."""

    def __init__(self, block: InferenceBlock, is_last: bool):
        self.block, self.is_last = block, is_last
        maps = block.query, block.value, block.expand, block.contract
        self.query_back, self.value_back, self.expand_back, self.contract_back = (
            transposed(one) for one in maps
        )
        self.adaptor = FrozenAdaptor(block.adaptor) if block.adaptor else None

    def forward(self, x: Tensor, layout: Layout, masks: Masks) -> tuple[Tensor, Saved]:
        """Map tokens (N, W) to outputs (N', W) of all tokens or of the state tokens."""
        block = self.block
        before = Normalised.of(x, block.norm_attention)
        inputs, residual, queries = before.out, x, layout
        if self.is_last:
            inputs, residual = (
                layout.at_states(part).flatten(0, 1) for part in (inputs, residual)
            )
            queries, masks = layout.of_states(), masks.of_states(layout.states)
        query = linear(inputs, *block.query)
        attention = Attention.of(query, before.out, queries, layout, masks)
        x = linear_add(attention.mixed(), *block.value, residual=residual)
        between = Normalised.of(x, block.norm_mlp)
        hidden = linear_relu(between.out, *block.expand)
        x = linear_add(hidden, *block.contract, residual=x)
        bottleneck = None
        if self.adaptor is not None:
            x, bottleneck = self.adaptor.forward(x)
        return x, Saved(attention, before, between, hidden, bottleneck)

    def backward(self, gradient: Tensor, saved: Saved, to_contexts: bool) -> Tensor:
        """Return the gradient (N, W) of the tokens, given that of the outputs (N', W).

        Without ``to_contexts``, only the prompts' rows (R * Tp, W).
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
        to_mixed = linear(residual, self.value_back)
        to_query, to_keys = saved.attention.backward(to_mixed, to_contexts)
        layout = saved.attention.layout
        count = len(to_keys) if to_contexts else layout.prompt_tokens
        found = to_keys[:count]
        if self.is_last:
            steps = layout.at_states(found)
            steps += linear(to_query, self.query_back).view(steps.shape)
            found = saved.before.backward(found, self.block.norm_attention)
            steps = layout.at_states(found)
            steps += residual.view(steps.shape)
            return found
        found += linear(to_query[:count], self.query_back)
        found = saved.before.rows(count).backward(found, self.block.norm_attention)
        return found.add_(residual[:count])


class FrozenAdaptor:
    """An adaptor, forward and backward."""

    def __init__(self, adaptor: InferenceAdaptor):
        self.down, self.up = adaptor.down, adaptor.up
        self.down_back, self.up_back = transposed(self.down), transposed(self.up)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map tokens (N, W) to outputs and bottleneck before its activation."""
        bottleneck = linear(x, *self.down)
        return linear_add(F.gelu(bottleneck), *self.up, residual=x), bottleneck

    def backward(self, gradient: Tensor, bottleneck: Tensor) -> Tensor:
        """Return the gradient (N, W) of the tokens."""
        to_bottleneck = linear(gradient, self.up_back)
        to_bottleneck = torch.ops.aten.gelu_backward(to_bottleneck, bottleneck)
        return linear(to_bottleneck, self.down_back).add_(gradient)


def transposed(one: Affine) -> Tensor:
    """Return the weight of the backward map (in, out)."""
    return one.weight.t().contiguous()
