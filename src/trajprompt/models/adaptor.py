"""Adaptors: small trainable layers between the frozen layers of a backbone.

Prompt Diffuser (arXiv 2411.01168), appendix F, after HDT (Xu et al. 2023) without its
hyper-network: a down-projection, GELU, an up-projection and a feature-wise linear
modulation (FiLM, Perez et al. 2018) after each decoder layer. Three layers of width 128
with a bottleneck of 16 have 13,488 parameters, the paper's "13.49K".
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Adaptor(nn.Module):
    """x + FiLM(up(GELU(down(x)))), token by token; FiLM is one scale and shift per feature.

    The up-projection and FiLM's shift start at zero, FiLM's scale at one: a new adaptor is
    the identity. Papers and code do not specify the initialisation.
    """

    def __init__(self, width: int, bottleneck: int):
        super().__init__()
        self.down = nn.Linear(width, bottleneck)
        self.up = nn.Linear(bottleneck, width)
        self.scale = nn.Parameter(torch.empty(width))
        self.shift = nn.Parameter(torch.empty(width))
        self.reset()

    @torch.no_grad()
    def reset(self, generator: torch.Generator | None = None) -> None:
        """Reset to the identity, with random weights in the down-projection."""
        bound = 1 / math.sqrt(self.down.in_features)  # PyTorch's bound for nn.Linear
        drawn = torch.rand(self.down.weight.shape, generator=generator) * 2 - 1
        self.down.weight.copy_(bound * drawn)
        self.scale.fill_(1.0)
        for parameter in (self.down.bias, self.up.weight, self.up.bias, self.shift):
            parameter.zero_()

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens (..., W) to (..., W)."""
        return x + self.scale * self.up(F.gelu(self.down(x))) + self.shift

    def folded_up(self) -> tuple[Tensor, Tensor]:
        """Weight and bias of the up-projection and FiLM, merged into one linear map."""
        weight = self.scale[:, None] * self.up.weight
        return weight, self.scale * self.up.bias + self.shift


def adaptors(width: int, bottleneck: int, layers: int) -> nn.ModuleList:
    """One adaptor per layer; identities without weights if ``bottleneck`` is 0."""
    if bottleneck == 0:
        return nn.ModuleList(nn.Identity() for _ in range(layers))
    return nn.ModuleList(Adaptor(width, bottleneck) for _ in range(layers))


def bottleneck(weights: Mapping[str, Tensor]) -> int:
    """Bottleneck width of the adaptors in a backbone's state dict; 0 if there are none."""
    first = weights.get("adaptors.0.down.bias")
    return 0 if first is None else first.numel()
