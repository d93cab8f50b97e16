"""Conversion of prompts to the vectors that black-box methods move, and back.

Eq. 4 of Prompt-Tuning DT: x = r1 || s1 || a1 || r2 || ... of K* steps. Timesteps and mask
are not part of it and do not change.
"""

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from trajprompt.trajectories.segments import Segments


def to_vectors(prompts: "Segments") -> Tensor:
    """Flatten prompts (..., P, ·) to float32 vectors (..., P * (1 + S + A))."""
    steps = [prompts.returns_to_go, prompts.states, prompts.actions]
    return torch.cat(steps, dim=-1).flatten(-2).float()


def to_prompts(vectors: Tensor, template: "Segments") -> "Segments":
    """Convert vectors (R, C, d) to prompts (R, C, P, ..), or (R, d) to (R, P, ..).

    Timesteps and mask are those of ``template`` (R, P, ..).
    """
    length = template.states.shape[-2]
    sizes = [1, template.states.shape[-1], template.actions.shape[-1]]
    steps = vectors.unflatten(-1, (length, sum(sizes)))
    returns_to_go, states, actions = steps.split(sizes, dim=-1)
    extra = vectors.dim() - 2
    fixed = [_repeat(part, vectors, extra) for part in (template.timesteps, template.mask)]
    return type(template)(returns_to_go, states, actions, *fixed)


def distinct_indices(prompts: "Segments") -> np.ndarray:
    """Return sorted indices (m,) of the distinct prompts among (n, P, ..), first of equals.

    If a prompt is the end of an episode, few demonstrations give few distinct prompts.
    """
    values = torch.cat([to_vectors(prompts), prompts.timesteps.float()], dim=1)
    _, first = np.unique(values.cpu().numpy(), axis=0, return_index=True)
    return np.sort(first)


def _repeat(values: Tensor, vectors: Tensor, extra: int) -> Tensor:
    """Expand (R, P) to (R, C, P) without copying, if the vectors have a candidate axis."""
    for _ in range(extra):
        values = values.unsqueeze(1)
    return values.expand(*vectors.shape[:-1], values.shape[-1])
