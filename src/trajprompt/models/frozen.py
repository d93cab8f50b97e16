"""A frozen backbone whose predicted actions are differentiable in the prompts alone.

PyTorch's graph of the model would compute and keep what only gradients of weights and of
contexts need. Results and gradients equal those of `PromptDT.forward` (tested).
"""

from typing import Any

import torch
from torch import Tensor

from trajprompt.models.frozen_attention import Layout, Masks
from trajprompt.models.frozen_block import FrozenBlock
from trajprompt.models.inference import InferenceModel
from trajprompt.models.prompt_dt import PromptDT, additive_mask
from trajprompt.trajectories.segments import Segments


class FrozenBackbone:
    """A copy of a model's blocks in ``dtype``; embeddings and head keep their type.

    ``model`` must not require gradients.
    """

    def __init__(self, model: PromptDT, dtype: torch.dtype):
        self.model, self.dtype = model, dtype
        *lower, last = InferenceModel(model, dtype).blocks
        self.blocks = [FrozenBlock(block, is_last=False) for block in lower]
        self.blocks.append(FrozenBlock(last, is_last=True))

    def actions(self, prompts: Segments, contexts: Segments) -> Tensor:
        """Predict actions (R, b, K, A) on contexts (R, b, K, ..) after prompts (R, P, ..).

        Differentiable once, in the returns, states and actions of the prompts.
        """
        rows, batch = contexts.leading
        inputs = self.model.embed_prompt(prompts).to(self.dtype)  # (R, Tp, W)
        outputs = _Blocks.apply(inputs, self, *self._context_inputs(prompts, contexts))
        x = self.model.norm_final(outputs.to(self.model.norm_final.weight.dtype))
        actions = torch.tanh(self.model.predict_action(x))
        return actions.view(rows, batch, contexts.length, -1)

    @torch.no_grad()
    def _context_inputs(
        self, prompts: Segments, contexts: Segments
    ) -> tuple[Tensor, Layout, Masks]:
        """Return the contexts' tokens (R * b * T, W), and all that only they determine."""
        model, flat = self.model, contexts.flatten()
        stride = model.tokens_per_step
        tokens = model.norm_context(model.embed_context(flat, model.config.uses_returns))
        # No state token attends to the last action token, so it is left out.
        tokens = tokens[:, :-1].to(self.dtype)
        visible = flat.mask.repeat_interleave(stride, dim=1)[:, :-1]
        shown = additive_mask(prompts.mask.repeat_interleave(3, dim=1), self.dtype)
        masks = Masks(shown, shown[:, -1:], additive_mask(visible, self.dtype))
        states = slice(stride - 2, None, stride)
        sizes = (shown.shape[1], *tokens.shape[:2])
        return tokens.flatten(0, 1), Layout(len(shown), *sizes, states), masks


class _Blocks(torch.autograd.Function):
    @staticmethod
    def forward(
        context: Any,
        prompts: Tensor,
        backbone: FrozenBackbone,
        contexts: Tensor,
        layout: Layout,
        masks: Masks,
    ) -> Tensor:
        """Map prompt tokens (R, Tp, W) and contexts' (R * b * T, W) to outputs (., W)."""
        x, context.saved = torch.cat([prompts.flatten(0, 1), contexts]), []
        context.backbone, context.shape = backbone, prompts.shape
        for block in backbone.blocks:
            x, saved = block.forward(x, layout, masks)
            context.saved.append(saved)
        return x

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Any:
        steps = zip(context.backbone.blocks, context.saved, strict=True)
        for number, (block, saved) in reversed(list(enumerate(steps))):
            gradient = block.backward(gradient, saved, to_contexts=number > 0)
        return gradient.view(context.shape), None, None, None, None
