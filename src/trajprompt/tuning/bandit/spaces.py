"""Choices of a bandit: arms slot by slot, or complete prompts."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from trajprompt.tuning.bandit.features import ArmFeatures


class Menu(NamedTuple):
    """Entries that each of G networks scores; one is picked per network."""

    features: Tensor  # (G, N, D)
    real: Tensor  # (G, N) bool, False on the padding
    arms: Tensor  # (G, N, m) int64, indices of the arms of an entry
    sampled: Tensor  # (G,) int64, number of leading entries that sample all arms uniformly

    def picked_arms(self, picks: Tensor, rows: int) -> Tensor:
        """Return the arms (R, J) of picked entries (G,)."""
        return self.arms[torch.arange(len(picks)), picks].view(rows, -1)

    def best(self, values: Tensor) -> Tensor:
        """Return the entry (G,) with the largest of values (G, N)."""
        return values.masked_fill(~self.real, -torch.inf).argmax(dim=1)


class ArmSpace(Protocol):
    """Interface: builds the menu of a round and the features of played arms."""

    networks: int  # per row; G is R times this number
    inputs: int  # D

    def menu(self, played: Tensor, generators: Sequence[torch.Generator]) -> Menu:
        """Return a round's menu after arms (R, n, J) were played; one generator per row."""
        ...

    def features(self, played: Tensor) -> Tensor:
        """Return the networks' inputs (G, n, D) for arms (R, n, J)."""
        ...


class SlotSpace:
    """Independent slots: each picks among all arms of the row, with J networks per row."""

    def __init__(self, arms: ArmFeatures, slots: int):
        self.networks, self.inputs = slots, arms.values.shape[-1]
        self.values = arms.values
        features = arms.values.repeat_interleave(slots, dim=0)  # once, not in every round
        indices = torch.arange(features.shape[1]).expand(features.shape[:2]).unsqueeze(-1)
        real = arms.real.repeat_interleave(slots, dim=0)
        self.all = Menu(features, real, indices, arms.counts.repeat_interleave(slots))

    def menu(self, played: Tensor, generators: Sequence[torch.Generator]) -> Menu:
        return self.all

    def features(self, played: Tensor) -> Tensor:
        return gather(self.values, played).transpose(1, 2).flatten(0, 1)


class JointSpace:
    """Flat bandit: one network per row scores complete prompts by concatenated features.

    There are too many prompts to score all of them. The menu of a round has ``candidates``
    random prompts, then all played prompts, so that a good one can be played again.
    """

    networks = 1

    def __init__(self, arms: ArmFeatures, slots: int, candidates: int):
        self.arms, self.slots, self.candidates = arms, slots, candidates
        self.inputs = arms.values.shape[-1] * slots

    def menu(self, played: Tensor, generators: Sequence[torch.Generator]) -> Menu:
        shape = (self.candidates, self.slots)
        uniform = [torch.rand(shape, dtype=torch.float64, generator=g) for g in generators]
        counts = self.arms.counts.view(-1, 1, 1)
        drawn = (torch.stack(uniform) * counts).long()  # (R, C, J)
        prompts = torch.cat([drawn, played], dim=1)
        real = torch.ones(prompts.shape[:2], dtype=torch.bool)
        sampled = torch.full((len(prompts),), self.candidates)  # without played prompts
        return Menu(self.features(prompts), real, prompts, sampled)

    def features(self, played: Tensor) -> Tensor:
        return gather(self.arms.values, played).flatten(2)


def gather(values: Tensor, arms: Tensor) -> Tensor:
    """Select the features (R, n, J, D) of arms (R, n, J) from ``values`` (R, A, D)."""
    return values[torch.arange(len(values)).view(-1, 1, 1), arms]
