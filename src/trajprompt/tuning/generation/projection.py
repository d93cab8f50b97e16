"""Combination of two losses' gradients into one step: Prompt Diffuser, Eq. 15 and 18 to 20.

Gradients are (R, n), one row each. ``base`` is the gradient of the generator's loss L_DM,
``guide`` the gradient of the downstream loss L_DT.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Guidance:
    """Losses in use; ``projects`` prevents the guide from opposing the base gradient."""

    generator: bool
    downstream: bool
    projects: bool = False


GUIDANCE = {
    "projected": Guidance(generator=True, downstream=True, projects=True),  # Eq. 15
    "diffusion": Guidance(generator=True, downstream=False),  # Eq. 18
    "downstream": Guidance(generator=False, downstream=True),  # Eq. 19
    "sum": Guidance(generator=True, downstream=True),  # Eq. 20
}


def conflicts(base: Tensor, guide: Tensor) -> Tensor:
    """Return (R, 1): True where the gradients point against each other."""
    return _dot(base, guide) < 0


def project(base: Tensor, guide: Tensor, sizes: Sequence[int]) -> Tensor:
    """Remove from ``guide`` what opposes ``base``, in each part of ``sizes`` values.

    This is Eq. 14, whose basis B leaves out the direction of ``base``. A single part of all
    n values is the literal reading of Algorithm 1; one part per layer is a finer reading.
    Where the two conflict, base + project(base, guide) has the same component along base as
    base itself.
    """
    parts = zip(base.split(sizes, dim=1), guide.split(sizes, dim=1), strict=True)
    found = [_project(*pair) for pair in parts]
    return found[0] if len(found) == 1 else torch.cat(found, dim=1)


def _project(base: Tensor, guide: Tensor) -> Tensor:
    along, squared = _dot(base, guide).clamp(max=0.0), _dot(base, base)
    factor = torch.where(along < 0, along / squared, 0.0)
    return torch.addcmul(guide, factor, base, value=-1)


def _dot(one: Tensor, other: Tensor) -> Tensor:
    """Return the dot products (R, 1) of rows, without a matrix of their products."""
    pairs = zip(one, other, strict=True)
    return torch.stack([torch.dot(*pair) for pair in pairs]).unsqueeze(1)


def clip(gradient: Tensor, largest: float, out: Tensor | None = None) -> Tensor:
    """Scale each row down to a norm of at most ``largest``; into ``out`` if given."""
    norm = gradient.norm(dim=1, keepdim=True)
    return torch.mul(gradient, (largest / (norm + 1e-6)).clamp(max=1.0), out=out)
