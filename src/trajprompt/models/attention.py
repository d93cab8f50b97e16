"""Where a backbone looks: attention weights, which no forward pass keeps."""

import torch
from torch import Tensor
from torch.nn import functional as F

from trajprompt.models.prompt_dt import PromptDT, additive_mask
from trajprompt.trajectories.segments import Segments


@torch.no_grad()
def action_attention(model: PromptDT, context: Segments, prompt: Segments) -> Tensor:
    """(layers, B, T): what the token looks at that the newest action is read at.

    That token is the state of the last step of ``context`` (B, K, ..). T counts the
    tokens of ``prompt`` (B or 1, P, ..), three of each step, then those of the context
    but for the newest action. Weights of a layer sum to 1; padding has none.
    """
    tokens, visible, _ = model.embed(context, prompt)
    x = tokens[:, :-1]  # the newest action is what is to be predicted
    mask = additive_mask(visible[:, :-1], x.dtype)
    weights = []
    for block, adaptor in model.layers():
        seen, folded = block.norm_attention(x), block.fold()
        look = F.linear(seen[:, -1:], folded.look_weight, folded.look_bias)
        scores = torch.baddbmm(mask[:, -1:], look, seen.transpose(1, 2))  # (B, 1, T)
        weights.append(torch.softmax(scores, dim=-1).squeeze(1))
        x = adaptor(block(x, mask, slice(None)))
    return torch.stack(weights)


def prompt_attention(model: PromptDT, context: Segments, prompt: Segments) -> Tensor:
    """(layers, B, P): the share of `action_attention` that falls on each prompt step."""
    weights = action_attention(model, context, prompt)
    steps = prompt.length
    return weights[..., : 3 * steps].unflatten(-1, (steps, 3)).sum(dim=-1)
