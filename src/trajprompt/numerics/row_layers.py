"""Layers of many small networks of one shape, one network per row of a problem.

All weights of a network are in one row of a matrix (R, n), so its gradient is one vector
that can be projected or clipped. Rows share no weights: a loss summed over rows gives each
row the gradient of its loss alone.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class RowLayer(NamedTuple):
    """One affine map per row."""

    weight: Tensor  # (R, inputs, outputs)
    bias: Tensor  # (R, 1, outputs)

    def __call__(self, x: Tensor) -> Tensor:
        """Map (R, B, inputs) to (R, B, outputs)."""
        return torch.baddbmm(self.bias, x, self.weight)


class RowLayers:
    """Positions of the layers in a row; ``shapes`` are (inputs, outputs) of each."""

    def __init__(self, shapes: Sequence[tuple[int, int]]):
        self.shapes = tuple(shapes)
        self.sizes = [inputs * outputs + outputs for inputs, outputs in shapes]

    @property
    def parameters(self) -> int:
        """Number of parameters per row."""
        return sum(self.sizes)

    def initial(self, generator: torch.Generator) -> Tensor:
        """Random weights (1, n) within the bounds of torch.nn.Linear."""
        parts = []
        for (inputs, _), size in zip(self.shapes, self.sizes, strict=True):
            uniform = torch.rand(1, size, generator=generator) * 2 - 1
            parts.append(uniform / math.sqrt(inputs))
        return torch.cat(parts, dim=1)

    def open(self, vectors: Tensor) -> list[RowLayer]:
        """Layers as views of ``vectors`` (R, n)."""
        sizes = [size for i, o in self.shapes for size in (i * o, o)]
        parts = iter(vectors.split(sizes, dim=1))
        rows, opened = len(vectors), []
        for inputs, outputs in self.shapes:
            weight = next(parts).view(rows, inputs, outputs)
            opened.append(RowLayer(weight, next(parts).view(rows, 1, outputs)))
        return opened


def dropout(x: Tensor, rate: float, generator: torch.Generator | None) -> Tensor:
    """Inverted dropout with masks from ``generator``; without one, return ``x``."""
    if generator is None or rate == 0.0:
        return x
    kept = torch.rand(x.shape, generator=generator) >= rate
    return x * (kept / (1.0 - rate)).to(x)
