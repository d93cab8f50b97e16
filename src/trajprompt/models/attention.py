"""Attention weights of a backbone, recomputed because the forward pass discards them."""

import torch
from torch import Tensor
from torch.nn import functional as F

from trajprompt.models.prompt_dt import PromptDT, additive_mask
from trajprompt.trajectories.segments import Segments


@torch.no_grad()
def action_attention(model: PromptDT, context: Segments, prompt: Segments) -> Tensor:
    """Attention weights (layers, B, T) of the token that predicts the newest action.

    That token is the state of the last step of ``context`` (B, K, ..). T counts the three
    tokens of each step of ``prompt`` (B or 1, P, ..), then the tokens of the context
    except the newest action. The weights of a layer sum to 1 and are 0 at padding.
    """
    assert model.config.prefix == 0  # of a backbone, not of a tuned model
    tokens, visible, _ = model.embed(context, prompt)
    x = tokens[:, :-1]  # the newest action is still to be predicted
    mask = additive_mask(visible[:, :-1], x.dtype)
    weights = []
    for block, adaptor in model.layers():
        inputs, folded = block.norm_attention(x), block.fold()
        query = F.linear(inputs[:, -1:], folded.query_weight, folded.query_bias)
        scores = torch.baddbmm(mask[:, -1:], query, inputs.transpose(1, 2))  # (B, 1, T)
        weights.append(torch.softmax(scores, dim=-1).squeeze(1))
        x = adaptor(block(x, mask, slice(None)))
    return torch.stack(weights)


def prompt_attention(model: PromptDT, context: Segments, prompt: Segments) -> Tensor:
    """Sums (layers, B, P) of `action_attention` over the tokens of each prompt step."""
    weights = action_attention(model, context, prompt)
    steps = prompt.length
    return weights[..., : 3 * steps].unflatten(-1, (steps, 3)).sum(dim=-1)
