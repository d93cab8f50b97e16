"""A prompt as the vector that black-box methods move, and back.

Eq. 4 of Prompt-Tuning DT: x = r1 || s1 || a1 || r2 || ... of K* steps; timesteps and the
mask are no part of it and stay as they were.
"""

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from trajprompt.trajectories.segments import Segments


def to_vectors(prompts: "Segments") -> Tensor:
    """(..., P, ·) -> (..., P * (1 + S + A)), float32."""
    steps = [prompts.returns_to_go, prompts.states, prompts.actions]
    return torch.cat(steps, dim=-1).flatten(-2).float()


def to_prompts(vectors: Tensor, template: "Segments") -> "Segments":
    """(R, C, d) -> prompts (R, C, P, ..) with the timesteps and mask of ``template``.

    ``template`` is (R, P, ..). Also (R, d) -> (R, P, ..).
    """
    length = template.states.shape[-2]
    sizes = [1, template.states.shape[-1], template.actions.shape[-1]]
    steps = vectors.unflatten(-1, (length, sum(sizes)))
    returns_to_go, states, actions = steps.split(sizes, dim=-1)
    extra = vectors.dim() - 2
    fixed = [_repeat(part, vectors, extra) for part in (template.timesteps, template.mask)]
    return type(template)(returns_to_go, states, actions, *fixed)


def different(prompts: "Segments") -> np.ndarray:
    """Places (m,) of the different ones among (n, P, ..), the first of equals, in order.

    A prompt is the end of an episode, so that few demonstrations give few that differ.
    """
    numbers = torch.cat([to_vectors(prompts), prompts.timesteps.float()], dim=1)
    _, first = np.unique(numbers.cpu().numpy(), axis=0, return_index=True)
    return np.sort(first)


def _repeat(values: Tensor, vectors: Tensor, extra: int) -> Tensor:
    """(R, P) -> (R, C, P) without copying, when the vectors have a candidate axis."""
    for _ in range(extra):
        values = values.unsqueeze(1)
    return values.expand(*vectors.shape[:-1], values.shape[-1])
