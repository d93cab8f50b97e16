"""What a bandit chooses between: arms slot by slot, or whole prompts."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from trajprompt.tuning.bandit.features import ArmFeatures


class Menu(NamedTuple):
    """The entries that each of G networks scores, of which one is picked per network."""

    features: Tensor  # (G, N, D)
    real: Tensor  # (G, N) bool, False where there is no entry
    arms: Tensor  # (G, N, m) int64, what an entry stands for
    fair: Tensor  # (G,) int64, so many entries, the first, are a fair sample of all arms

    def of(self, picks: Tensor, rows: int) -> Tensor:
        """Arms (R, J) of picked entries (G,)."""
        return self.arms[torch.arange(len(picks)), picks].view(rows, -1)

    def best(self, values: Tensor) -> Tensor:
        """The entry (G,) of the largest of values (G, N)."""
        return values.masked_fill(~self.real, -torch.inf).argmax(dim=1)


class ArmSpace(Protocol):
    """Makes a round's menu, and features of what was played."""

    networks: int  # per row; G is R times as many
    inputs: int  # D

    def menu(self, played: Tensor, generators: Sequence[torch.Generator]) -> Menu:
        """Of a round after arms (R, n, J) were played; one generator per row."""
        ...

    def features(self, played: Tensor) -> Tensor:
        """Arms (R, n, J) as the networks read them, (G, n, D)."""
        ...


class SlotSpace:
    """Every slot picks on its own, among all arms of the row: J networks per row."""

    def __init__(self, arms: ArmFeatures, slots: int):
        self.networks, self.inputs = slots, arms.values.shape[-1]
        self.values = arms.values
        features = arms.values.repeat_interleave(slots, dim=0)  # once, not in every round
        numbers = torch.arange(features.shape[1]).expand(features.shape[:2]).unsqueeze(-1)
        real = arms.real.repeat_interleave(slots, dim=0)
        self.all = Menu(features, real, numbers, arms.counts.repeat_interleave(slots))

    def menu(self, played: Tensor, generators: Sequence[torch.Generator]) -> Menu:
        return self.all

    def features(self, played: Tensor) -> Tensor:
        return gather(self.values, played).transpose(1, 2).flatten(0, 1)


class JointSpace:
    """The flat bandit: one network per row scores whole prompts, features side by side.

    There are too many to score all: a round has ``candidates`` prompts drawn at random and,
    so that a good one can be played again, all that were played.
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
        fair = torch.full((len(prompts),), self.candidates)  # those played are chosen
        return Menu(self.features(prompts), real, prompts, fair)

    def features(self, played: Tensor) -> Tensor:
        return gather(self.arms.values, played).flatten(2)


def gather(values: Tensor, arms: Tensor) -> Tensor:
    """Features (R, A, D) of arms (R, n, J): (R, n, J, D)."""
    return values[torch.arange(len(values)).view(-1, 1, 1), arms]
