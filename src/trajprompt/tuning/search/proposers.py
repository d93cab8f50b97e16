"""Common parts of proposers: Gaussian steps, the best candidate so far, an iterate."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from trajprompt.seeds import torch_generator
from trajprompt.settings.options import Scale, SmallCount
from trajprompt.trajectories.segments import Segments
from trajprompt.tuning.prompt_vectors import to_prompts, to_vectors
from trajprompt.tuning.protocol import TuningProblem
from trajprompt.tuning.search.loop import AveragedOptions, Choice, initial_choice


class Directions:
    """Standard normal steps for the prompts of a problem as vectors (R, d)."""

    def __init__(self, problem: TuningProblem):
        self.template = to_vectors(problem.require_prompts())
        self.generator = torch_generator(problem.streams(2)[1])

    def draw(self, count: int) -> Tensor:
        """Draw steps (R, count, d), on the CPU for every device."""
        rows, size = self.template.shape
        noise = torch.randn(rows, count, size, generator=self.generator)
        return noise.to(self.template.device)

    def state(self) -> dict[str, Any]:
        return {"generator": self.generator.get_state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.generator.set_state(torch.from_numpy(state["generator"]))


class BestSoFar(ABC):
    """Proposer whose choice is the candidate with the highest return so far.

    The value is the mean return of ``episodes_per_candidate`` episodes, by default of a
    single one, so selection favours lucky episodes.
    """

    def __init__(self, problem: TuningProblem, width: int):
        self.width = width
        self.best = initial_choice(problem)
        self.proposed: Segments | None = None  # (R, C, P, ..), between propose and learn

    @abstractmethod
    def candidates(self, count: int) -> Segments:
        """Return candidates (R, count, P, ..)."""

    def propose(self, count: int) -> Segments:
        self.proposed = self.candidates(count)
        return self.proposed

    def learn(self, returns: np.ndarray) -> None:
        assert self.proposed is not None
        self.best = improved_choice(self.best, self.proposed, returns)

    def choice(self) -> Choice:
        return self.best

    def state(self) -> dict[str, Any]:
        return {"best": self.best.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        device = self.best.prompts.states.device
        self.best = Choice.restored(state["best"], device)


def improved_choice(choice: Choice, prompts: Segments, returns: np.ndarray) -> Choice:
    """Return ``choice``, replaced where the best of prompts (R, C, P, ..) returned more.

    Among equal returns the earlier prompt wins.
    """
    rows, column = np.arange(len(returns)), returns.argmax(axis=1)
    found = returns[rows, column]
    replaced = ~(found <= choice.values)  # also where the value is unknown (NaN)
    picked = prompts.select((rows, column))
    where = torch.from_numpy(replaced).to(picked.states.device)
    pairs = zip(picked, choice.prompts, strict=True)
    merged = (
        torch.where(where.view(-1, *[1] * (new.dim() - 1)), new, old) for new, old in pairs
    )
    return Choice(Segments(*merged), np.where(replaced, found, choice.values))


@dataclass(frozen=True)
class PerturbedOptions(AveragedOptions):
    smoothing: Scale = 0.3  # standard deviation of a step, as in PTDT-online; our choice
    candidates: SmallCount = 1  # played together, from the same resets


class PerturbedBest(BestSoFar):
    """Proposer of Gaussian steps from a centre, which is the first candidate."""

    def __init__(self, problem: TuningProblem, options: PerturbedOptions):
        super().__init__(problem, options.candidates)
        self.smoothing = options.smoothing
        self.directions = Directions(problem)

    @abstractmethod
    def centre(self) -> Segments:
        """Return the prompts (R, P, ..) from which the steps are taken."""

    def candidates(self, count: int) -> Segments:
        steps = self.smoothing * self.directions.draw(count)
        if np.isnan(self.best.values).any():  # nothing has been played
            steps[:, 0] = 0.0
        centre = self.centre()
        return to_prompts(to_vectors(centre).unsqueeze(1) + steps, centre)

    def state(self) -> dict[str, Any]:
        return {**super().state(), "directions": self.directions.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        super().restore(state)
        self.directions.restore(state["directions"])


class IterateProposer(ABC):
    """Proposer whose choice is one point x of every row, which its steps move.

    The return of x is unknown unless a subclass sets ``values``.
    """

    def __init__(self, problem: TuningProblem, width: int):
        self.width = width
        self.template = problem.require_prompts()
        self.position = to_vectors(self.template)  # (R, d), never changed in place
        self.values = np.full(len(problem.rows), np.nan)
        self.directions = Directions(problem)

    @abstractmethod
    def candidates(self, count: int) -> Tensor:
        """Return candidates (R, count, d)."""

    @abstractmethod
    def learn(self, returns: np.ndarray) -> None:
        """Learn from the returns (R, count) of the last candidates."""

    def propose(self, count: int) -> Segments:
        return to_prompts(self.candidates(count), self.template)

    def choice(self) -> Choice:
        return Choice(to_prompts(self.position, self.template), self.values)

    def state(self) -> dict[str, Any]:
        point = {"position": self.position, "values": self.values}
        return {**point, "directions": self.directions.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.position = self._tensor(state["position"])
        self.values = state["values"]
        self.directions.restore(state["directions"])

    def _tensor(self, values: np.ndarray) -> Tensor:
        """Convert to a tensor on the prompts' device."""
        return torch.from_numpy(values).to(self.template.states.device)
