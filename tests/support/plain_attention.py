"""The model with the attention written out as in GPT-2: queries, keys, values, one head.

Weights of LoRA and pairs of prefix tuning are applied as their papers define them.
"""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from trajprompt.models.blocks import Block
from trajprompt.models.prompt_dt import PromptDT
from trajprompt.trajectories.segments import Segments

Pairs = Sequence[tuple[Tensor, Tensor]]  # keys and values (n, W) of each block
Updates = Mapping[str, tuple[Tensor, Tensor, float]]  # layer -> A, B, alpha / r


def plain_forward(
    model: PromptDT,
    context: Segments,
    prompt: Segments | None,
    pairs: Pairs | None = None,
    updates: Updates | None = None,
) -> Tensor:
    """Actions (B, K, A); without a prompt the context is all that there is."""
    x = model.norm_context(model.embed_context(context))
    visible = context.mask.repeat_interleave(3, dim=1)
    first = 0
    if prompt is not None:
        before = model.embed_prompt(prompt).expand(len(x), -1, -1)
        shown = prompt.mask.repeat_interleave(3, dim=1).expand(len(x), -1)
        x, visible = torch.cat([before, x], dim=1), torch.cat([shown, visible], dim=1)
        first = before.shape[1]
    causal = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).tril()
    for i, block in enumerate(model.blocks):
        pair = None if pairs is None else pairs[i]
        normed = block.norm_attention(x)
        x = x + _attention(block, f"blocks.{i}", normed, causal & visible[:, None], pair,
                           updates or {})  # fmt: skip
        hidden = F.relu(block.expand(block.norm_mlp(x)))
        x = x + block.contract(hidden)
    states = x[:, first + 1 :: 3]
    return torch.tanh(model.predict_action(model.norm_final(states)))


def _attention(
    block: Block,
    name: str,
    x: Tensor,
    allowed: Tensor,
    pair: tuple[Tensor, Tensor] | None,
    updates: Updates,
) -> Tensor:
    def apply(layer: str) -> Tensor:
        out = getattr(block, layer)(x)
        if f"{name}.{layer}" not in updates:
            return out
        a, b, scale = updates[f"{name}.{layer}"]
        return out + scale * ((x @ a.T) @ b.T)

    query, key, value = apply("query"), apply("key"), apply("value")
    if pair is not None:
        key, value = (
            torch.cat([before.expand(len(x), -1, -1), after], dim=1)
            for before, after in zip(pair, (key, value), strict=True)
        )
        always = torch.ones(*allowed.shape[:2], len(pair[0]), dtype=torch.bool)
        allowed = torch.cat([always, allowed], dim=-1)
    scores = query @ key.transpose(1, 2) / math.sqrt(x.shape[-1])
    scores = scores.masked_fill(~allowed, -1e4)
    return block.project(torch.softmax(scores, dim=-1) @ value)
