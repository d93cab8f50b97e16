"""Prefixes: key and value pairs of every block that all tokens attend to.

Prefix tuning (Li & Liang 2021, arXiv 2101.00190, section 4): the activations of a prefix
are parameters, so at each layer its tokens are a key and a value each. They have no
position, and no queries because nothing reads their outputs.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

PREFIX = ".prefix."  # part of the names of their tensors


class Prefix(nn.Module):
    """Keys and values (n, W) of one block, in the spaces of its key and value layers."""

    def __init__(self, length: int, width: int):
        super().__init__()
        self.keys = nn.Parameter(torch.zeros(length, width))
        self.values = nn.Parameter(torch.zeros(length, width))


def prefix_length(weights: Mapping[str, Tensor]) -> int:
    """Return the pairs per block of a backbone's state dict; 0 if it has no prefix."""
    first = weights.get("blocks.0.prefix.keys")
    return 0 if first is None or first.dim() != 2 else len(first)


def prefix_weights(model: nn.Module) -> dict[str, Tensor]:
    """Return the prefixes in the state dict of ``model``."""
    return {name: x for name, x in model.state_dict().items() if PREFIX in name}
