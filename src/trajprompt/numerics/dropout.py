"""Dropout that spends little time on random bits."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Dropout(nn.Module):
    """Inverted dropout; on the CPU about five times faster than ``F.dropout``.

    On a CPU ``F.dropout`` draws one Bernoulli sample at a time, a third of the time of a
    training step. Here one 64-bit word of SFC64 serves four bfloat16 or two float32
    elements, compared as integers; the rate is exact to 2^-15. Other devices and types
    use ``F.dropout``.
    """

    def __init__(self, rate: float):
        super().__init__()
        self.rate = rate
        self.reseed(0)

    def reseed(self, seed: int) -> None:
        """Restart the random stream of masks from ``seed``, on the CPU and on a GPU."""
        self.words = np.random.Generator(np.random.SFC64(seed))
        if torch.cuda.is_initialized():
            torch.cuda.manual_seed(seed)

    def state(self) -> dict[str, Any]:
        """State of the random streams of masks (a `checkpoint.Resumable`)."""
        words = self.words.bit_generator.state
        state = {**words, "state": {"state": words["state"]["state"]}}
        if torch.cuda.is_initialized():
            state["cuda"] = torch.cuda.get_rng_state()
        return state

    def restore(self, state: Mapping[str, Any]) -> None:
        names = ("bit_generator", "has_uint32", "uinteger")
        words = {"state": state["state"]["state"]}
        self.words.bit_generator.state = {"state": words, **{n: state[n] for n in names}}
        if torch.cuda.is_initialized():
            torch.cuda.set_rng_state(torch.from_numpy(state["cuda"]))

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0.0:
            return x
        if x.device.type != "cpu" or x.dtype not in (torch.bfloat16, torch.float32):
            return F.dropout(x, self.rate)
        return x * self._multipliers(x.shape, x.dtype)

    def _multipliers(self, shape: torch.Size, dtype: torch.dtype) -> Tensor:
        """Factors of type ``dtype``: 0 with probability ``rate``, else 1 / (1 - rate)."""
        integer = torch.int16 if dtype is torch.bfloat16 else torch.int32
        top = torch.iinfo(integer).max
        count = shape.numel()
        words = -(-count * dtype.itemsize // 8)
        drawn = self.words.integers(0, 2**64, size=words, dtype=np.uint64)
        bits = torch.from_numpy(drawn.view(np.int64)).view(integer)[:count]
        bits.bitwise_and_(top)
        # Where kept, threshold - 1 - draw is negative, so the shift sets all bits to one.
        bits.neg_().add_(round(self.rate * (top + 1)) - 1)
        bits.bitwise_right_shift_(8 * dtype.itemsize - 1)
        kept = torch.tensor(1.0 / (1.0 - self.rate), dtype=dtype).view(integer)
        bits.bitwise_and_(int(kept))
        return bits.view(dtype).view(shape)
