"""Eq. 5 for many prompts on common contexts, without gradients and without waste.

All candidates of a query are judged on the same contexts, and no prompt token looks at
the context. So the prompts are encoded once each rather than once per context, and the
contexts' embeddings and first attention scores once for all prompts. Same results as
forward passes of every pair (tested), 1.2 times faster in bf16 on one core.
"""

import copy
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional as F

from trajprompt.models.blocks import Block
from trajprompt.models.precision import resolve_precision
from trajprompt.models.prompt_dt import PromptDT, additive_mask
from trajprompt.trajectories.segments import Segments

# Pairs of prompt and context per pass: in bf16 the widest tensor, 59 tokens x 512 features
# x 128, takes 8 MB, near a core's cache. A GPU wants more at once.
CHUNK = {"cpu": 128, "cuda": 8192}


class ImitationLoss:
    """Mean squared action error over unmasked steps and action dimensions (Eq. 5)."""

    def __init__(self, model: PromptDT, precision: str):
        device = model.predict_action.weight.device
        self.model = copy.deepcopy(model).to(resolve_precision(precision, device)).eval()
        self.stride = model.tokens_per_step

    @torch.inference_mode()
    def __call__(self, prompts: Segments, contexts: Segments) -> Tensor:
        """Prompts (R, C, P, ..) on contexts (R, b, K, ..) of their rows: (R, C)."""
        rows, count = prompts.leading
        share = max(1, CHUNK[contexts.states.device.type] // contexts.leading[1])
        losses = torch.empty(rows, count)
        for row in range(rows):
            context = contexts.select(row)
            for first in range(0, count, share):
                part = slice(first, first + share)
                losses[row, part] = self._loss(prompts.select((row, part)), context).cpu()
        return losses

    def _loss(self, prompts: Segments, context: Segments) -> Tensor:
        """Prompts (C, P, ..), contexts (b, K, ..): (C,)."""
        errors = (self.actions(prompts, context) - context.actions).square().mean(dim=-1)
        return (errors * context.mask).sum(dim=(1, 2)) / context.mask.sum()

    @torch.inference_mode()
    def actions(self, prompts: Segments, context: Segments) -> Tensor:
        """Actions (C, b, K, A) on contexts (b, K, ..) behind each prompt (C, P, ..)."""
        model = self.model
        p = model.embed_prompt(prompts)  # (C, 3P, W)
        embedded = model.embed_context(context, model.config.uses_returns)
        x = model.norm_context(embedded)[None, :, :-1]  # (1 or C, b, T, W)
        visible = context.mask.repeat_interleave(self.stride, dim=1)[:, :-1]
        own = additive_mask(visible, p.dtype)  # (b, T, T)
        seen = prompts.mask.repeat_interleave(3, dim=1)
        before = additive_mask(seen, p.dtype)  # (C, 3P, 3P)
        states = slice(self.stride - 2, None, self.stride)
        blocks = cast(list[Block], list(model.blocks))
        for layer in blocks:
            last = layer is blocks[-1]
            queries = states if last else slice(None)
            x = _layer(layer, x, p, own[:, queries], before[:, -1], queries)
            if not last:
                p = layer(p, before, slice(None))
        return torch.tanh(model.predict_action(model.norm_final(x)).float())


def _layer(
    block: Block, x: Tensor, p: Tensor, own: Tensor, seen: Tensor, queries: slice
) -> Tensor:
    """One block for context tokens x (1 or C, b, T, W) behind prompt tokens p (C, Tp, W).

    ``own`` (b, Q, T) and ``seen`` (C, Tp) are additive masks. Returns (C, b, Q, W).
    """
    count, batch = len(p), x.shape[1]
    folded = block.fold()
    keys, prompt_keys = block.norm_attention(x), block.norm_attention(p)
    look = F.linear(keys[:, :, queries], folded.look_weight, folded.look_bias)
    values = F.linear(keys, folded.value_weight, folded.value_bias)  # (1 or C, b, T, W)
    prompt_values = F.linear(prompt_keys, folded.value_weight, folded.value_bias)
    on_context = look @ keys.transpose(-1, -2) + own  # (1 or C, b, Q, T)
    flat = look.flatten(1, 2).expand(count, -1, -1)  # (C, b * Q, W)
    on_prompt = torch.baddbmm(seen[:, None], flat, prompt_keys.transpose(1, 2))
    scores = [on_prompt.unflatten(1, (batch, -1)), on_context.expand(count, -1, -1, -1)]
    weights = torch.softmax(torch.cat(scores, dim=-1), dim=-1)  # (C, b, Q, Tp + T)
    to_prompt, to_context = weights.split([p.shape[1], x.shape[2]], dim=-1)
    mixed = (to_prompt.flatten(1, 2) @ prompt_values).unflatten(1, (batch, -1))
    x = x[:, :, queries] + mixed + to_context @ values + block.project.bias
    return x + block.mlp(block.norm_mlp(x))
