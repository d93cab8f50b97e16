"""The layers of many small networks of one shape, one network per row of a problem.

All weights of a row lie side by side in one row of a matrix (R, n), so that what is done to
a row's gradient (projection, clipping) is done to a vector. The rows share nothing: a loss
summed over rows gives each row the gradient that it would get alone.
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
        """(R, B, inputs) to (R, B, outputs)."""
        return torch.baddbmm(self.bias, x, self.weight)


class RowLayers:
    """Where each layer lies in a row: ``shapes`` are (inputs, outputs)."""

    def __init__(self, shapes: Sequence[tuple[int, int]]):
        self.shapes = tuple(shapes)
        self.sizes = [inputs * outputs + outputs for inputs, outputs in shapes]

    @property
    def parameters(self) -> int:
        """Numbers per row."""
        return sum(self.sizes)

    def initial(self, generator: torch.Generator) -> Tensor:
        """(1, n) fresh weights, with the bounds of torch.nn.Linear."""
        parts = []
        for (inputs, _), size in zip(self.shapes, self.sizes, strict=True):
            uniform = torch.rand(1, size, generator=generator) * 2 - 1
            parts.append(uniform / math.sqrt(inputs))
        return torch.cat(parts, dim=1)

    def open(self, vectors: Tensor) -> list[RowLayer]:
        """The layers of (R, n) as views of it."""
        rows, opened = len(vectors), []
        parts = vectors.split(self.sizes, dim=1)
        for part, (inputs, outputs) in zip(parts, self.shapes, strict=True):
            weight = part[:, : inputs * outputs].unflatten(1, (inputs, outputs))
            bias = part[:, inputs * outputs :].view(rows, 1, outputs)
            opened.append(RowLayer(weight, bias))
        return opened


def dropout(x: Tensor, rate: float, generator: torch.Generator | None) -> Tensor:
    """Inverted dropout with masks from ``generator``; none without one."""
    if generator is None or rate == 0.0:
        return x
    kept = torch.rand(x.shape, generator=generator) >= rate
    return x * (kept / (1.0 - rate)).to(x)
