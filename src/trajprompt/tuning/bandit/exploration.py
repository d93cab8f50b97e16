"""How a bandit weighs what it knows against what it might learn.

The co-author's code has epsilon-greedy only, and says "NeuralUCB-like" of its model; the
paper's UCB and Thompson sampling are therefore taken to be NeuralUCB (Zhou et al. 2020) and
NeuralTS (Zhang et al. 2021), with the diagonal that both use in practice: reconstruction.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from trajprompt.artifacts.checkpoint import Resumable
from trajprompt.tuning.bandit.reward_models import RewardModels
from trajprompt.tuning.bandit.spaces import Menu

EXPLORING_SHARE = 0.2  # of all rounds, in which epsilon falls to 0: co-author's code

Generators = Sequence[torch.Generator]  # one per row


@dataclass(frozen=True)
class Exploring:
    """What exploration needs to know before the first round."""

    rounds: int
    scale: float  # gamma of UCB, nu of Thompson sampling
    regulariser: float  # lambda: Z is lambda times the identity at first
    networks: int  # G
    parameters: int  # n, weights of one network


class Explorer(Resumable, Protocol):
    def pick(
        self, models: RewardModels, menu: Menu, number: int, generators: Generators
    ) -> Tensor:
        """Entries (G,) of the menu to play in round ``number``."""
        ...

    def learn(self, models: RewardModels, x: Tensor) -> None:
        """What ``models`` picked has been played: features (G, D)."""
        ...


class EpsilonGreedy:
    """All slots of a row at random with a share from 1 down to 0, else the best."""

    def __init__(self, exploring: Exploring):
        self.until = EXPLORING_SHARE * exploring.rounds

    def epsilon(self, number: int) -> float:
        """In round ``number``, from 0."""
        return max(0.0, 1.0 - number / self.until)

    def pick(
        self, models: RewardModels, menu: Menu, number: int, generators: Generators
    ) -> Tensor:
        best = menu.best(models.predict(menu.features)).view(len(generators), -1)  # (R, J)
        epsilon = self.epsilon(number)
        if epsilon == 0.0:
            return best.flatten()
        counts = menu.fair.view(best.shape)
        shape = (best.shape[1] + 1,)
        drawn = [torch.rand(shape, dtype=torch.float64, generator=g) for g in generators]
        uniform = torch.stack(drawn)  # (R, J + 1): whether to explore, and what
        random = (uniform[:, 1:] * counts).long()
        return torch.where(uniform[:, :1] < epsilon, random, best).flatten()

    def learn(self, models: RewardModels, x: Tensor) -> None:
        pass

    def state(self) -> dict[str, Any]:
        return {}  # epsilon depends on the round alone

    def restore(self, state: Mapping[str, Any]) -> None:
        pass


class Confidence:
    """How far a prediction f may lie off: sigma^2 = lambda g' Z^-1 g, g its gradient.

    Z is diagonal and grows by the squared gradient of what is played (NeuralTS, Algorithm
    1; its 1/m belongs to networks scaled by the root of their width m, ours are not).
    """

    def __init__(self, exploring: Exploring):
        self.scale, self.regulariser = exploring.scale, exploring.regulariser
        shape = (exploring.networks, exploring.parameters)
        self.seen = torch.full(shape, exploring.regulariser)  # the diagonal of Z

    def deviations(self, models: RewardModels, menu: Menu) -> Tensor:
        """sigma of every entry, (G, N)."""
        squared = models.weighted_norms(menu.features, self.regulariser / self.seen)
        return squared.sqrt()

    def learn(self, models: RewardModels, x: Tensor) -> None:
        self.seen += models.gradient(x).square()

    def state(self) -> dict[str, Any]:
        return {"seen": self.seen}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.seen.copy_(torch.from_numpy(state["seen"]))


class UpperConfidence(Confidence):
    """NeuralUCB: the largest f + gamma sigma."""

    def pick(
        self, models: RewardModels, menu: Menu, number: int, generators: Generators
    ) -> Tensor:
        bonus = self.scale * self.deviations(models, menu)
        return menu.best(models.predict(menu.features) + bonus)


class Thompson(Confidence):
    """NeuralTS: the largest draw from N(f, nu^2 sigma^2), one per entry and slot."""

    def pick(
        self, models: RewardModels, menu: Menu, number: int, generators: Generators
    ) -> Tensor:
        return menu.best(self.draws(models, menu, generators))

    def draws(self, models: RewardModels, menu: Menu, generators: Generators) -> Tensor:
        """(G, N); nothing of a row depends on how many arms another has."""
        spread = self.scale * self.deviations(models, menu)
        noise = torch.zeros_like(spread)
        each = len(noise) // len(generators)  # networks of a row
        for row, generator in enumerate(generators):
            own = slice(row * each, (row + 1) * each)
            count = int(menu.real[own.start].sum())
            noise[own, :count] = torch.randn(each, count, generator=generator)
        return models.predict(menu.features) + spread * noise


EXPLORERS: dict[str, Callable[[Exploring], Explorer]] = {
    "thompson": Thompson,
    "ucb": UpperConfidence,
    "epsilon-greedy": EpsilonGreedy,
}
