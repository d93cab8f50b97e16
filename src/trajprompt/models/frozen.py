"""A frozen backbone whose predicted actions are differentiable in the prompts alone.

PyTorch's graph of the model would compute and keep what only gradients of weights and of
contexts need. Results and gradients equal those of `PromptDT.forward` (tested).
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from trajprompt.models.frozen_block import FrozenBlock
from trajprompt.models.inference import InferenceModel
from trajprompt.models.prompt_dt import PromptDT, additive_mask
from trajprompt.trajectories.segments import Segments


class FrozenBackbone:
    """A model with its blocks in ``dtype``; embeddings and head keep their type.

    ``model`` must not require gradients.
    """

    def __init__(self, model: PromptDT, dtype: torch.dtype):
        assert model.config.prefix == 0  # of a backbone, not of a tuned model
        self.model, self.dtype = model, dtype
        self.blocks = [FrozenBlock(block) for block in InferenceModel(model, dtype).blocks]

    def actions(self, prompts: Segments, contexts: Segments) -> Tensor:
        """Predict actions (B, K, A) on contexts (B, K, ..) after prompts (B, P, ..).

        Differentiable once, in the returns, states and actions of the prompts.
        """
        model = self.model
        inputs = model.embed_prompt(prompts).to(self.dtype)  # (B, Tp, W)
        with torch.no_grad():
            tokens = model.embed_context(contexts, model.config.uses_returns)
            tokens = model.norm_context(tokens)[:, :-1].to(self.dtype)
            shown = contexts.mask.repeat_interleave(model.tokens_per_step, dim=1)[:, :-1]
            visible = [prompts.mask.repeat_interleave(3, dim=1), shown]
            mask = additive_mask(torch.cat(visible, dim=1), self.dtype)
        first = inputs.shape[1] + model.tokens_per_step - 2  # the first state token
        states = slice(first, None, model.tokens_per_step)
        outputs = _Blocks.apply(inputs, self.blocks, tokens, mask, states)
        x = model.norm_final(outputs.to(model.norm_final.weight.dtype))
        return torch.tanh(model.predict_action(x))


class _Blocks(torch.autograd.Function):
    @staticmethod
    def forward(
        context: Any,
        prompts: Tensor,
        blocks: list[FrozenBlock],
        contexts: Tensor,
        mask: Tensor,
        states: slice,
    ) -> Tensor:
        """Map tokens (B, Tp, W) and (B, T, W) to the outputs (B, K, W) of ``states``."""
        x, found = torch.cat([prompts, contexts], dim=1), []
        for block in blocks[:-1]:
            x, saved = block.forward(x, mask, slice(None))
            found.append(saved)
        x, saved = blocks[-1].forward(x, mask, states)
        context.blocks, context.saved = blocks, [*found, saved]
        context.prompt_tokens = prompts.shape[1]
        return x

    @staticmethod
    @once_differentiable
    def backward(context: Any, gradient: Tensor) -> Any:
        (first, *blocks), (given, *found) = context.blocks, context.saved
        for block, saved in zip(reversed(blocks), reversed(found), strict=True):
            gradient = block.backward(gradient, saved, saved.before.x.shape[1])
        gradient = first.backward(gradient, given, context.prompt_tokens)
        return gradient, None, None, None, None
