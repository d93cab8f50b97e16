"""Imitation loss (Eq. 5), for many prompts on common contexts or with a gradient.

All candidates of a query are judged on the same contexts (models/shared_contexts.py).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from trajprompt.models.frozen import FrozenBackbone
from trajprompt.models.inference import InferenceModel
from trajprompt.models.prompt_dt import PromptDT
from trajprompt.models.shared_contexts import SharedContexts, encode
from trajprompt.numerics.device import keep_freed_memory, resolve_precision
from trajprompt.trajectories.segments import Segments

if TYPE_CHECKING:
    from trajprompt.models.backbone import Backbone

# Tokens per pass: in float32 the widest tensor, 4096 tokens x 512 features, takes 8 MB.
# A GPU needs larger passes.
TOKENS = {"cpu": 4096, "cuda": 1 << 19}


class ImitationLoss:
    """Mean squared action error over unmasked steps and action dimensions (Eq. 5)."""

    def __init__(self, model: PromptDT, precision: str):
        keep_freed_memory()
        device = model.predict_action.weight.device
        self.inference = InferenceModel(model, resolve_precision(precision, device))
        self.steps = TOKENS[device.type] // model.tokens_per_step

    @torch.no_grad()
    def __call__(self, prompts: Segments, contexts: Segments) -> Tensor:
        """Return the losses (R, C) of prompts (R, C, P, ..) on contexts (R, b, K, ..)."""
        rows = range(len(prompts.mask))
        losses = [self._losses(prompts.select(r), contexts.select(r)) for r in rows]
        return torch.stack(losses).cpu()

    def _losses(self, prompts: Segments, contexts: Segments) -> Tensor:
        """Return the losses (C,) of prompts (C, P, ..) on contexts (b, K, ..)."""
        encoded = encode(self.inference, prompts)
        pairs = max(1, self.steps // contexts.length)
        errors = torch.zeros(len(prompts.mask), device=contexts.mask.device)
        for some in _slices(len(contexts.mask), pairs):
            part = contexts.select(some)
            shared = SharedContexts(self.inference, part)
            for group in _slices(len(errors), max(1, pairs // len(part.mask))):
                predicted = shared.actions(encoded.select(group))  # (c, b', K, A)
                squared = (predicted - part.actions).square().mean(dim=-1)
                errors[group] += (squared * part.mask).sum(dim=(1, 2))
        return errors / contexts.mask.sum()


def _slices(count: int, size: int) -> Iterator[slice]:
    """Yield the slices of ``count`` items that have at most ``size`` each."""
    for first in range(0, count, size):
        yield slice(first, min(count, first + size))


class PromptLoss:
    """Action error of each row (Eq. 5), differentiable with respect to the prompts.

    The backbone is a frozen copy, in the number type of ``precision`` except for embeddings
    and head, without dropout.
    """

    def __init__(self, backbone: "Backbone", precision: str):
        dtype = resolve_precision(precision, backbone.device)
        copy = backbone.with_weights(backbone.model.state_dict()).model
        self.backbone = FrozenBackbone(copy.requires_grad_(False), dtype)

    def __call__(self, prompts: Segments, contexts: Segments) -> Tensor:
        """Return the losses (R,) of prompts (R, P, ..) on contexts (R, b, K, ..)."""
        rows, batch = contexts.leading
        context = contexts.flatten()  # (R * b, K, ..)
        predicted = self.backbone.actions(prompts.repeat_interleave(batch), context)
        errors = (predicted - context.actions).square().mean(dim=-1) * context.mask
        return errors.view(rows, -1).sum(dim=1) / contexts.mask.sum(dim=(1, 2))
