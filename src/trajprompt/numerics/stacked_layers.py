"""Layers of S networks of one shape, one network per seed, computed as batched products.

Axis 0 of every tensor is the stack. Networks share no weights and no sums, so a network's
results do not depend on the others; on a CPU not even its rounding (tested).
"""

import torch
from torch import Tensor
from torch.nn import functional as F

# With fewer rows, MKL sums in another order on AMD processors, and the bits of a network
# would depend on how its rows are packed into products.
MIN_ROWS = 4


def linear(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Map (S, .., in) to (S, .., out); ``weight`` is (S, out, in), ``bias`` (S, out)."""
    flat, maps = x.flatten(1, -2), weight.transpose(1, 2)
    if weight.shape[2] == 1:  # a product of this shape is rounded differently in a stack
        out = flat * maps + bias[:, None]
    else:
        rows = flat.shape[1]
        padded = F.pad(flat, (0, 0, 0, max(MIN_ROWS - rows, 0)))
        out = torch.baddbmm(bias[:, None], padded, maps)[:, :rows]
    return out.reshape(*x.shape[:-1], -1)


def layer_norm(x: Tensor, weight: Tensor, bias: Tensor, epsilon: float) -> Tensor:
    """Layer norm of (S, .., W) over the last dimension; ``weight`` and ``bias`` (S, W)."""
    shape = (len(x), *(1 for _ in x.shape[1:-1]), -1)
    normalised = F.layer_norm(x, x.shape[-1:], eps=epsilon)
    return torch.addcmul(bias.view(shape), normalised, weight.view(shape))


def embedding(table: Tensor, index: Tensor) -> Tensor:
    """Rows (S, .., W) of the tables (S, n, W) at ``index`` (S, ..), int64."""
    stack, rows, _ = table.shape
    first = torch.arange(0, stack * rows, rows, device=index.device)
    flat = index + first.view(-1, *(1 for _ in index.shape[1:]))
    return F.embedding(flat, table.flatten(0, 1))
