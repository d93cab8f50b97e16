"""How the gradients of two losses become one step: Prompt Diffuser, Eq. 15 and 18 to 20.

Gradients are (R, n), a row each; "own" is that of the generator's loss L_DM, "guide" that
of the downstream loss L_DT.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Guidance:
    """Which losses count, and whether the guide may go against the own gradient."""

    own: bool
    downstream: bool
    projects: bool = False


GUIDANCE = {
    "projected": Guidance(own=True, downstream=True, projects=True),  # Eq. 15
    "diffusion": Guidance(own=True, downstream=False),  # Eq. 18
    "downstream": Guidance(own=False, downstream=True),  # Eq. 19
    "sum": Guidance(own=True, downstream=True),  # Eq. 20
}


def conflicts(own: Tensor, guide: Tensor) -> Tensor:
    """(R, 1): whether the gradients point against each other."""
    return (own * guide).sum(dim=1, keepdim=True) < 0


def project(own: Tensor, guide: Tensor, sizes: Sequence[int]) -> Tensor:
    """``guide`` without what goes against ``own``, in each part of ``sizes`` numbers.

    Eq. 14, whose basis B leaves out one direction, that of ``own``. A single part of all n
    numbers is how Algorithm 1 reads; a part per layer is a finer reading. Where the two
    conflict, own + project(own, guide) goes along own exactly as far as own does.
    """
    parts = zip(own.split(sizes, dim=1), guide.split(sizes, dim=1), strict=True)
    return torch.cat([_project(mine, its) for mine, its in parts], dim=1)


def _project(own: Tensor, guide: Tensor) -> Tensor:
    along = (own * guide).sum(dim=1, keepdim=True).clamp(max=0.0)
    length = own.square().sum(dim=1, keepdim=True)
    return guide - torch.where(along < 0, along / length, 0.0) * own


def clip(gradient: Tensor, largest: float) -> Tensor:
    """Each row scaled down to a norm of ``largest`` at most."""
    norm = gradient.norm(dim=1, keepdim=True)
    return gradient * (largest / (norm + 1e-6)).clamp(max=1.0)
