"""Actions that a backbone predicts on fixed contexts after each of many prompts.

No prompt token attends to the context, so a prompt is encoded once, not once per context.
In the first block the contexts' tokens do not depend on the prompt, so their queries, keys,
values and scores are computed once for all prompts. Of the last block, only the outputs at
state tokens are computed. Results equal those of forward passes of every pair (tested).
"""

from typing import NamedTuple

import torch
from torch import Tensor

from trajprompt.models.inference import InferenceBlock, InferenceModel
from trajprompt.models.prompt_dt import additive_mask
from trajprompt.numerics.linear import linear, linear_add
from trajprompt.trajectories.segments import Segments


class Prompts(NamedTuple):
    """Encoded prompts."""

    keys: list[Tensor]  # (C, Tp, W): normalised inputs of each block
    mask: Tensor  # (C, 1, Tp), additive

    def select(self, part: slice) -> "Prompts":
        return Prompts([keys[part] for keys in self.keys], self.mask[part])


@torch.no_grad()
def encode(inference: InferenceModel, prompts: Segments) -> Prompts:
    """Encode prompts (C, P, ..)."""
    shown = prompts.mask.repeat_interleave(3, dim=1)
    mask = additive_mask(shown, inference.dtype)[:, -1:]
    return Prompts(inference.prompt_inputs(prompts), mask)


class SharedContexts:
    """Contexts (b, K, ..) with the terms of the first block that all prompts share."""

    @torch.no_grad()
    def __init__(self, inference: InferenceModel, contexts: Segments):
        assert inference.model.config.prefix == 0  # of a backbone, not of a tuned model
        self.inference = inference
        model, first = inference.model, inference.blocks[0]
        stride = model.tokens_per_step
        self.states = slice(stride - 2, None, stride)
        # No state token attends to the last action token.
        tokens = model.embed_context(contexts, model.config.uses_returns)
        x = model.norm_context(tokens).to(inference.dtype)[:, :-1].contiguous()
        visible = contexts.mask.repeat_interleave(stride, dim=1)[:, :-1]
        self.mask = additive_mask(visible, inference.dtype)  # (b, T, T)
        keys = first.norm_attention.norm(x)
        self.query = linear(keys, *first.query)
        self.scores = torch.baddbmm(self.mask, self.query, keys.transpose(1, 2))
        self.values = linear(keys, first.value.weight)
        self.residual = x + first.value.bias

    @torch.no_grad()
    def actions(self, prompts: Prompts) -> Tensor:
        """Predict actions (C, b, K, A) float32 after C prompts."""
        *between, last = self.inference.blocks[1:]
        *middle, newest = prompts.keys[1:]
        x = self._first_block(prompts)  # (C * b, T, W)
        for block, keys in zip(between, middle, strict=True):
            x = _block(block, x, keys, self.mask, prompts.mask, slice(None))
        mask = self.mask[:, self.states]
        x = _block(last, x, newest, mask, prompts.mask, self.states)
        return self.inference.head(x).unflatten(0, (len(newest), -1))

    def _first_block(self, prompts: Prompts) -> Tensor:
        first, keys = self.inference.blocks[0], prompts.keys[0]
        count, size, width = keys.shape
        batch, length, _ = self.query.shape
        flat = self.query.view(batch * length, width)
        on_prompt = linear(flat, keys.reshape(count * size, width))  # (b T, C Tp)
        on_prompt = on_prompt.view(-1, count, size).transpose(0, 1) + prompts.mask
        weights = _softmax(on_prompt.unflatten(1, (batch, length)), self.scores)
        to_prompt, to_context = weights.split([size, length], dim=-1)
        values = linear(keys, first.value.weight)
        residual = self.residual.view(1, batch * length, width)
        x = torch.baddbmm(residual, to_prompt.flatten(1, 2), values)
        shared = self.values.repeat(count, 1, 1)
        x = x.view(count * batch, length, width)
        return first.mlp(x.baddbmm_(to_context.flatten(0, 1), shared))


def _softmax(on_prompt: Tensor, on_context: Tensor) -> Tensor:
    """Weights (C, b, Q, Tp + T) of scores (C, b, Q, Tp) and (b or C b, Q, T)."""
    count, batch, queries = on_prompt.shape[:3]
    on_context = on_context.view(-1, batch, queries, on_context.shape[-1])
    scores = [on_prompt, on_context.expand(count, -1, -1, -1)]
    return torch.softmax(torch.cat(scores, dim=-1), dim=-1)


def _block(
    block: InferenceBlock,
    x: Tensor,
    prompt: Tensor,
    context_mask: Tensor,
    prompt_mask: Tensor,
    queries: slice,
) -> Tensor:
    """Run a block on context tokens x (C * b, T, W) after prompt keys (C, Tp, W).

    The result is (C * b, Q, W). ``context_mask`` (b, Q, T) and ``prompt_mask`` (C, 1, Tp)
    are additive.
    """
    count, size, width = prompt.shape
    keys = block.norm_attention.norm(x)
    query = linear(keys[:, queries].contiguous(), *block.query)
    by_prompt = query.view(count, -1, width)  # (C, b * Q, W)
    on_prompt = torch.baddbmm(prompt_mask, by_prompt, prompt.transpose(1, 2))
    on_prompt = on_prompt.view(count, -1, query.shape[1], size)
    mask = context_mask.repeat(count, 1, 1)
    on_context = torch.baddbmm(mask, query, keys.transpose(1, 2))
    weights = _softmax(on_prompt, on_context)
    to_prompt, to_context = weights.split([size, x.shape[1]], dim=-1)
    mixed = torch.bmm(to_prompt.flatten(1, 2), prompt).view(query.shape)
    mixed = mixed.baddbmm_(to_context.flatten(0, 1), keys)
    residual = x[:, queries].contiguous()
    return block.mlp(linear_add(mixed, *block.value, residual=residual))
