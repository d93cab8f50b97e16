"""Replay buffer: one preallocated tensor; a batch is sampled with one gather."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor


class Batch(NamedTuple):
    """Transitions for a stack of T networks."""

    features: Tensor  # (T, B, F)
    actions: Tensor  # (T, B, A), in [-1, 1]
    rewards: Tensor  # (T, B)
    next_features: Tensor  # (T, B, F)
    terminations: Tensor  # (T, B), 1 if the episode terminated; 0 at time limits


class ReplayBuffer:
    """All transitions of N rows, in time order; none is ever discarded.

    They are stored in one packed table. The ``extra`` columns hold values for recomputing
    rewards (see goal_conditioned.py).
    """

    def __init__(
        self, steps: int, rows: int, features: int, actions: int, extra: int, device: str
    ):
        self.widths = (features, actions, 1, features, 1, extra)
        self.table = torch.empty((steps, rows, sum(self.widths)), device=device)
        self.filled = 0  # control steps stored, the same for every row

    def add(
        self,
        features: Tensor,  # (N, F)
        actions: Tensor,  # (N, A)
        rewards: Tensor,  # (N,)
        next_features: Tensor,  # (N, F)
        terminations: Tensor,  # (N,)
        extra: Tensor,  # (N, extra)
    ) -> None:
        columns = [features, actions, rewards[:, None], next_features]
        columns += [terminations[:, None].float(), extra]
        torch.cat(columns, dim=-1, out=self.table[self.filled])
        self.filled += 1

    def state(self) -> dict[str, Tensor]:
        return {"table": self.table[: self.filled]}

    def restore(self, state: Mapping[str, Any]) -> None:
        table = torch.as_tensor(state["table"])
        self.filled = len(table)
        self.table[: self.filled] = table

    def sample(
        self, stack: int, batch: int, generator: torch.Generator
    ) -> tuple[Batch, Tensor, Tensor]:
        """Sample a batch, its extra columns (stack, B, extra) and its rows (stack, B).

        Member t of a stack of T samples uniformly from its N/T adjacent rows; a stack of
        one samples from all rows.
        """
        rows = self.table.shape[1]
        share = rows // stack
        device = self.table.device
        draw = torch.randint(
            self.filled * share, (stack, batch), generator=generator, device=device
        )
        row = draw % share + share * torch.arange(stack, device=device)[:, None]
        index = (draw // share) * rows + row
        flat = self.table.view(-1, self.table.shape[-1])
        picked = flat.index_select(0, index.view(-1)).view(stack, batch, -1)
        features, actions, rewards, following, ended, extra = picked.split(self.widths, -1)
        transitions = Batch(features, actions, rewards[..., 0], following, ended[..., 0])
        return transitions, extra, row
