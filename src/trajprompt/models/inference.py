"""A prompt decision transformer prepared for step-by-step inference.

Equal to `PromptDT.forward` up to rounding, at 40 % of its arithmetic:

* prompt tokens do not attend to the context, so their keys are computed once per episode;
* a token's input never changes (timesteps are absolute), so the per-token results of the
  first block are kept while the window slides;
* the last block is evaluated for the newest state token only;
* attention is folded to two matrices per block (blocks.py).

The blocks between depend on the start of the window and are recomputed at every step.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trajprompt.models.adaptor import Adaptor
from trajprompt.models.blocks import EPSILON, Block
from trajprompt.models.prefix import Prefix
from trajprompt.models.prompt_dt import PromptDT, additive_mask
from trajprompt.numerics.linear import linear_add, linear_relu
from trajprompt.trajectories.segments import Segments


class Affine(NamedTuple):
    """Weight and bias of a linear map or a layer norm."""

    weight: Tensor
    bias: Tensor

    def linear(self, x: Tensor) -> Tensor:
        """Map (.., in) to (.., out)."""
        return F.linear(x, self.weight, self.bias)

    def norm(self, x: Tensor) -> Tensor:
        """Layer norm over the last dimension."""
        return F.layer_norm(x, x.shape[-1:], self.weight, self.bias, EPSILON)


class InferenceAdaptor:
    """The weights of one adaptor, with FiLM folded into the up-projection."""

    def __init__(self, adaptor: Adaptor, dtype: torch.dtype):
        self.down = _affine(dtype, adaptor.down.weight, adaptor.down.bias)
        self.up = _affine(dtype, *adaptor.folded_up())

    def __call__(self, x: Tensor) -> Tensor:
        """Map (.., W) to (.., W)."""
        return linear_add(F.gelu(self.down.linear(x)), *self.up, residual=x)


class InferencePrefix:
    """The folded prefix of a block, in the dtype of inference."""

    def __init__(self, block: Block, prefix: Prefix, dtype: torch.dtype):
        folded = block.fold_prefix(prefix)
        self.key = _affine(dtype, folded.key_weight, folded.key_bias)
        # The value map of a block adds its bias once, although the weights of the tokens
        # sum to less than one with a prefix: it is subtracted from the prefix's values.
        values = folded.values - block.fold().value_bias
        self.values = values.detach().to(dtype).contiguous()

    def weigh(self, queries: Tensor, scores: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        """Weights (B, Q, T) of tokens with ``scores``, and the prefix's output (B, Q, W).

        ``queries`` (B, Q, W) are normalised inputs; ``bias`` is added to its values.
        """
        length = len(self.values)
        both = torch.cat([self.key.linear(queries), scores], dim=-1)
        weights = torch.softmax(both, dim=-1)
        return weights[..., length:], weights[..., :length] @ (self.values + bias)


class InferenceBlock:
    """The folded weights of one block and its adaptor, in the dtype of inference."""

    def __init__(self, block: Block, adaptor: nn.Module, dtype: torch.dtype):
        folded = block.fold()  # in float32, then rounded once
        # Attention weights sum to one, so both biases of the values can be added once.
        bias = folded.value_bias + block.project.bias
        self.query = _affine(dtype, folded.query_weight, folded.query_bias)
        self.value = _affine(dtype, folded.value_weight, bias)
        norms = block.norm_attention, block.norm_mlp
        self.norm_attention, self.norm_mlp = (
            _affine(dtype, norm.weight, norm.bias) for norm in norms
        )
        self.expand = _affine(dtype, block.expand.weight, block.expand.bias)
        self.contract = _affine(dtype, block.contract.weight, block.contract.bias)
        self.prefix = None
        if block.prefix is not None:
            self.prefix = InferencePrefix(block, block.prefix, dtype)
        self.adaptor = None
        if isinstance(adaptor, Adaptor):
            self.adaptor = InferenceAdaptor(adaptor, dtype)

    def mlp(self, x: Tensor) -> Tensor:
        """Map x (.., W) to x + mlp(norm(x)), then through the adaptor if there is one."""
        hidden = linear_relu(self.norm_mlp.norm(x), *self.expand)
        out = linear_add(hidden, *self.contract, residual=x)
        return out if self.adaptor is None else self.adaptor(out)

    def __call__(self, x: Tensor, queries: Tensor, keys: Tensor, mask: Tensor) -> Tensor:
        """Outputs (B, Q, W) of the tokens with residuals ``x`` (B, Q, W).

        ``queries`` (B, Q, W) and ``keys`` (B, T, W) are normalised inputs of the block.
        """
        query = self.query.linear(queries)
        scores = torch.baddbmm(mask, query, keys.transpose(1, 2))
        weights, x = self.weigh(x, queries, scores)
        mixed = torch.bmm(weights, keys)
        return self.mlp(linear_add(mixed, *self.value, residual=x))

    def weigh(
        self, x: Tensor, queries: Tensor, scores: Tensor, mapped: bool = False
    ) -> tuple[Tensor, Tensor]:
        """Attention weights (B, Q, T) of the tokens, and ``x`` with the prefix's output.

        ``mapped``: the weights are for values that contain the bias of the value map.
        """
        if self.prefix is None:
            return torch.softmax(scores, dim=-1), x
        bias = self.value.bias if mapped else torch.zeros_like(self.value.bias)
        weights, output = self.prefix.weigh(queries, scores, bias)
        return weights, x + output


class InferenceModel:
    """Weights of all blocks in the dtype of inference; embeddings and head stay float32."""

    @torch.no_grad()
    def __init__(self, model: PromptDT, dtype: torch.dtype):
        self.model = model
        self.dtype = dtype
        self.device = model.predict_action.weight.device
        self.blocks = [InferenceBlock(*layer, dtype) for layer in model.layers()]

    @torch.no_grad()
    def prompt_inputs(self, prompts: Segments) -> list[Tensor]:
        """The normalised input (B, 3P, W) of every block at the prompt's tokens."""
        x = self.model.embed_prompt(prompts).to(self.dtype)
        mask = additive_mask(prompts.mask.repeat_interleave(3, dim=1), self.dtype)
        inputs = []
        for block in self.blocks:
            keys = block.norm_attention.norm(x)
            inputs.append(keys)
            x = block(x, keys, keys, mask)
        return inputs

    @torch.no_grad()
    def state_tokens(self, states: Tensor, returns: Tensor, time: int) -> Tensor:
        """Return and state tokens (B, 2, W) of step ``time``; (B, 1, W) without returns.

        States (B, S) are normalised, returns-to-go (B,) are scaled.
        """
        embed = self.model.embed_context
        tokens = [embed.states(states) + self._time_embedding(time)]
        if self.model.config.uses_returns:
            first = embed.returns(returns[:, None]) + self._time_embedding(time)
            tokens.insert(0, first)
        return self.model.norm_context(torch.stack(tokens, dim=1)).to(self.dtype)

    @torch.no_grad()
    def action_tokens(self, actions: Tensor, time: int) -> Tensor:
        """Action tokens (B, 1, W) of step ``time``, from actions (B, A)."""
        tokens = self.model.embed_context.actions(actions) + self._time_embedding(time)
        return self.model.norm_context(tokens)[:, None].to(self.dtype)

    def _time_embedding(self, time: int) -> Tensor:
        table = self.model.embed_context.timesteps.weight
        return table[min(time, len(table) - 1)]

    @torch.no_grad()
    def head(self, x: Tensor) -> Tensor:
        """Map outputs (B, W) of the last block to actions (B, A) float32."""
        return torch.tanh(self.model.predict_action(self.model.norm_final(x.float())))


def _affine(dtype: torch.dtype, weight: Tensor, bias: Tensor) -> Affine:
    return Affine(
        weight.detach().to(dtype).contiguous(), bias.detach().to(dtype).contiguous()
    )
