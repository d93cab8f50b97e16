"""Imitation loss (Eq. 5), for many prompts on common contexts or with a gradient.

All candidates of a query are judged on the same contexts, and no prompt token attends to
the context. `ImitationLoss` therefore encodes each prompt once, not once per context. It
computes the contexts' embeddings and first attention scores once for all prompts. Results
equal those of forward passes of every pair (tested), with fewer operations.
"""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from trajprompt.models.inference import InferenceBlock, InferenceModel
from trajprompt.models.prompt_dt import PromptDT, additive_mask
from trajprompt.numerics.device import resolve_precision
from trajprompt.trajectories.segments import Segments

if TYPE_CHECKING:
    from trajprompt.models.backbone import Backbone

# Pairs of prompt and context per pass. In bf16 the widest tensor, 59 tokens x 512 features
# x 128, takes 8 MB, about a core's cache. A GPU needs larger passes.
CHUNK = {"cpu": 128, "cuda": 8192}


class ImitationLoss:
    """Mean squared action error over unmasked steps and action dimensions (Eq. 5)."""

    def __init__(self, model: PromptDT, precision: str):
        device = model.predict_action.weight.device
        self.model = model
        self.inference = InferenceModel(model, resolve_precision(precision, device))
        self.chunk = CHUNK[device.type]

    @torch.no_grad()
    def __call__(self, prompts: Segments, contexts: Segments) -> Tensor:
        """Return the losses (R, C) of prompts (R, C, P, ..) on contexts (R, b, K, ..)."""
        rows, count = prompts.leading
        per_pass = max(1, self.chunk // contexts.leading[1])
        losses = torch.empty(rows, count)
        for row in range(rows):
            context = contexts.select(row)
            for first in range(0, count, per_pass):
                part = slice(first, first + per_pass)
                losses[row, part] = self._loss(prompts.select((row, part)), context).cpu()
        return losses

    def _loss(self, prompts: Segments, context: Segments) -> Tensor:
        """Return the losses (C,) of prompts (C, P, ..) on contexts (b, K, ..)."""
        errors = (self.actions(prompts, context) - context.actions).square().mean(dim=-1)
        return (errors * context.mask).sum(dim=(1, 2)) / context.mask.sum()

    @torch.no_grad()
    def actions(self, prompts: Segments, context: Segments) -> Tensor:
        """Predict actions (C, b, K, A) on contexts (b, K, ..) after prompts (C, P, ..)."""
        model, inference = self.model, self.inference
        stride = model.tokens_per_step
        tokens = model.embed_context(context, model.config.uses_returns)
        # No state token attends to the last action token.
        x = model.norm_context(tokens).to(inference.dtype)[None, :, :-1]
        visible = context.mask.repeat_interleave(stride, dim=1)[:, :-1]
        context_mask = additive_mask(visible, inference.dtype)  # (b, T, T)
        shown = prompts.mask.repeat_interleave(3, dim=1)
        prompt_mask = additive_mask(shown, inference.dtype)[:, -1:]  # (C, 1, Tp)
        keys = inference.prompt_inputs(prompts)  # (C, Tp, W) of each block
        states = slice(stride - 2, None, stride)
        for block, prompt in zip(inference.blocks[:-1], keys[:-1], strict=True):
            x = _block(block, x, prompt, context_mask, prompt_mask, slice(None))
        last_mask = context_mask[:, states]
        x = _block(inference.blocks[-1], x, keys[-1], last_mask, prompt_mask, states)
        return inference.head(x)


def _block(
    block: InferenceBlock,
    x: Tensor,
    prompt: Tensor,
    context_mask: Tensor,
    prompt_mask: Tensor,
    queries: slice,
) -> Tensor:
    """Run a block on context tokens x (1 or C, b, T, W) after prompt keys (C, Tp, W).

    The result is (C, b, Q, W). ``context_mask`` (b, Q, T) and ``prompt_mask`` (C, 1, Tp)
    are additive. The first size of x is 1 if the tokens are still the same for all prompts.
    """
    count, batch, length = len(prompt), x.shape[1], x.shape[2]
    keys = block.norm_attention.norm(x)
    query = block.query.linear(keys[:, :, queries])
    on_context = query @ keys.transpose(-1, -2) + context_mask  # (1 or C, b, Q, T)
    flat = query.flatten(1, 2).expand(count, -1, -1)  # (C, b * Q, W)
    on_prompt = torch.baddbmm(prompt_mask, flat, prompt.transpose(1, 2))
    scores = [on_prompt.unflatten(1, (batch, -1)), on_context.expand(count, -1, -1, -1)]
    weights = torch.softmax(torch.cat(scores, dim=-1), dim=-1)  # (C, b, Q, Tp + T)
    to_prompt, to_context = weights.split([prompt.shape[1], length], dim=-1)
    mixed = (to_prompt.flatten(1, 2) @ prompt).unflatten(1, (batch, -1)) + to_context @ keys
    return block.mlp(block.value.linear(mixed) + x[:, :, queries])


class PromptLoss:
    """Action error of each row (Eq. 5), differentiable with respect to the prompts.

    The backbone is a frozen copy in the number type of ``precision``, without dropout.
    Gradients have the number type of the tensors from which the prompts were computed.
    """

    def __init__(self, backbone: "Backbone", precision: str):
        dtype = resolve_precision(precision, backbone.device)
        copy = backbone.with_weights(backbone.model.state_dict()).model
        self.model = copy.to(dtype).requires_grad_(False)

    def __call__(self, prompts: Segments, contexts: Segments) -> Tensor:
        """Return the losses (R,) of prompts (R, P, ..) on contexts (R, b, K, ..)."""
        rows, batch = contexts.leading
        context = contexts.flatten()  # (R * b, K, ..)
        predicted = self.model(context, prompts.repeat_interleave(batch))
        errors = (predicted - context.actions).square().mean(dim=-1) * context.mask
        return errors.view(rows, -1).sum(dim=1) / contexts.mask.sum(dim=(1, 2))
