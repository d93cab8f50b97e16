"""InfoNCE between prompts (Eq. 3)."""

import torch
from torch import Tensor
from torch.nn import functional as F


def similarities(anchors: Tensor, others: Tensor, temperature: float) -> Tensor:
    """Cosines of the prompts (B, Z) and (B, Z), (B, B), divided by the temperature.

    Eq. 3 has plain products. Cosines are bounded, and the length of a prompt stays free.
    """
    return F.normalize(anchors, dim=-1) @ F.normalize(others, dim=-1).T / temperature


def info_nce(anchors: Tensor, others: Tensor, groups: Tensor, temperature: float) -> Tensor:
    """Mean of Eq. 3 over the anchors (B, Z), whose positives are the same rows of others.

    Prompts of the same trajectory or task have equal ``groups`` (B,). They are no negatives
    of each other: only the anchor's own positive and other groups are in its denominator.
    """
    scores = similarities(anchors, others, temperature)
    own = torch.eye(len(groups), dtype=torch.bool, device=groups.device)
    same = (groups[:, None] == groups) & ~own
    return F.cross_entropy(
        scores.masked_fill(same, -torch.inf),
        torch.arange(len(groups), device=groups.device),
    )


def retrieved(anchors: Tensor, others: Tensor, groups: Tensor) -> Tensor:
    """Share of anchors whose most similar prompt of ``others`` is of their group, ()."""
    nearest = similarities(anchors, others, 1.0).argmax(1)
    return (groups[nearest] == groups).float().mean()
