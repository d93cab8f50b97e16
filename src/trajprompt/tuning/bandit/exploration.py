"""Exploration strategies of the bandit: epsilon-greedy, UCB and Thompson sampling.

The co-author's code has epsilon-greedy only and calls its model "NeuralUCB-like". The
paper's UCB and Thompson sampling are therefore taken to be NeuralUCB (Zhou et al. 2020) and
NeuralTS (Zhang et al. 2021), with the diagonal matrix that both use in practice. This is a
reconstruction.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from trajprompt.artifacts.checkpoint import Resumable
from trajprompt.tuning.bandit.reward_models import RewardModels
from trajprompt.tuning.bandit.spaces import Menu

EXPLORATION_SHARE = 0.2  # share of the rounds until epsilon is 0: co-author's code

Generators = Sequence[torch.Generator]  # one per row


@dataclass(frozen=True)
class ExplorationSettings:
    """Settings of an exploration strategy, fixed before the first round."""

    rounds: int
    scale: float  # gamma of UCB, nu of Thompson sampling
    regulariser: float  # lambda: Z is initially lambda times the identity
    networks: int  # G
    parameters: int  # n, weights of one network


class Explorer(Resumable, Protocol):
    def pick(
        self, models: RewardModels, menu: Menu, number: int, generators: Generators
    ) -> Tensor:
        """Return the entries (G,) of the menu to play in round ``number``."""
        ...

    def learn(self, models: RewardModels, x: Tensor) -> None:
        """Learn from the features (G, D) of the entries that ``models`` picked last."""
        ...


class EpsilonGreedy:
    """Epsilon-greedy: with probability epsilon random entries in all slots of a row.

    Otherwise it picks the best entry of every slot. Epsilon falls linearly from 1 to 0.
    """

    def __init__(self, settings: ExplorationSettings):
        self.exploration_rounds = EXPLORATION_SHARE * settings.rounds

    def epsilon(self, number: int) -> float:
        """Return epsilon in round ``number``, counted from 0."""
        return max(0.0, 1.0 - number / self.exploration_rounds)

    def pick(
        self, models: RewardModels, menu: Menu, number: int, generators: Generators
    ) -> Tensor:
        best = menu.best(models.predict(menu.features)).view(len(generators), -1)  # (R, J)
        epsilon = self.epsilon(number)
        if epsilon == 0.0:
            return best.flatten()
        counts = menu.sampled.view(best.shape)
        shape = (best.shape[1] + 1,)
        drawn = [torch.rand(shape, dtype=torch.float64, generator=g) for g in generators]
        uniform = torch.stack(drawn)  # (R, J + 1): whether to explore, then the entries
        random = (uniform[:, 1:] * counts).long()
        return torch.where(uniform[:, :1] < epsilon, random, best).flatten()

    def learn(self, models: RewardModels, x: Tensor) -> None:
        pass

    def state(self) -> dict[str, Any]:
        return {}  # epsilon depends only on the round

    def restore(self, state: Mapping[str, Any]) -> None:
        pass


class Confidence:
    """Standard deviation of a prediction f: sigma^2 = lambda g' Z^-1 g, g its gradient.

    Z is diagonal and grows by the squared gradient of every played entry (NeuralTS,
    Algorithm 1). The algorithm's factor 1/m is for networks that are scaled by the square
    root of their width m; ours are not.
    """

    def __init__(self, settings: ExplorationSettings):
        self.scale, self.regulariser = settings.scale, settings.regulariser
        shape = (settings.networks, settings.parameters)
        self.diagonal = torch.full(shape, settings.regulariser)  # of Z

    def deviations(self, models: RewardModels, menu: Menu) -> Tensor:
        """Return sigma (G, N) of every entry."""
        squared = models.weighted_norms(menu.features, self.regulariser / self.diagonal)
        return squared.sqrt()

    def learn(self, models: RewardModels, x: Tensor) -> None:
        self.diagonal += models.gradient(x).square()

    def state(self) -> dict[str, Any]:
        return {"seen": self.diagonal}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.diagonal.copy_(torch.from_numpy(state["seen"]))


class UpperConfidence(Confidence):
    """NeuralUCB: pick the entry with the largest f + gamma sigma."""

    def pick(
        self, models: RewardModels, menu: Menu, number: int, generators: Generators
    ) -> Tensor:
        bonus = self.scale * self.deviations(models, menu)
        return menu.best(models.predict(menu.features) + bonus)


class Thompson(Confidence):
    """NeuralTS: pick the largest draw from N(f, nu^2 sigma^2), one per entry and slot."""

    def pick(
        self, models: RewardModels, menu: Menu, number: int, generators: Generators
    ) -> Tensor:
        return menu.best(self.draws(models, menu, generators))

    def draws(self, models: RewardModels, menu: Menu, generators: Generators) -> Tensor:
        """Return draws (G, N); a row's draws do not depend on the arms of other rows."""
        spread = self.scale * self.deviations(models, menu)
        noise = torch.zeros_like(spread)
        per_row = len(noise) // len(generators)  # networks
        for row, generator in enumerate(generators):
            networks = slice(row * per_row, (row + 1) * per_row)
            count = int(menu.real[networks.start].sum())
            noise[networks, :count] = torch.randn(per_row, count, generator=generator)
        return models.predict(menu.features) + spread * noise


EXPLORERS: dict[str, Callable[[ExplorationSettings], Explorer]] = {
    "thompson": Thompson,
    "ucb": UpperConfidence,
    "epsilon-greedy": EpsilonGreedy,
}
