"""What searches by returns share: Gaussian steps, a best so far, an iterate."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from trajprompt.seeds import torch_generator
from trajprompt.settings.options import at_least, at_most, positive
from trajprompt.trajectories.segments import Segments
from trajprompt.tuning.prompt_vectors import to_prompts, to_vectors
from trajprompt.tuning.protocol import TuningProblem
from trajprompt.tuning.search.loop import Candidate, SearchOptions, untuned


class Directions:
    """Standard normal steps for the prompts of a problem as vectors (R, d)."""

    def __init__(self, problem: TuningProblem):
        self.like = to_vectors(problem.require_prompts())
        self.generator = torch_generator(problem.streams(2)[1])

    def draw(self, count: int) -> Tensor:
        """(R, count, d), drawn on the CPU on every device."""
        rows, size = self.like.shape
        noise = torch.randn(rows, count, size, generator=self.generator)
        return noise.to(self.like.device)

    def state(self) -> dict[str, Any]:
        return {"generator": self.generator.get_state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.generator.set_state(torch.from_numpy(state["generator"]))


class BestSoFar(ABC):
    """A proposer whose choice is the candidate with the highest return that it has seen.

    One episode of luck is enough to be chosen: the value is what that episode earned.
    """

    def __init__(self, problem: TuningProblem, width: int):
        self.width = width
        self.best = untuned(problem)
        self.asked: Segments | None = None  # (R, C, P, ..), between propose and learn

    @abstractmethod
    def candidates(self, count: int) -> Segments:
        """(R, count, P, ..)."""

    def propose(self, count: int) -> Segments:
        self.asked = self.candidates(count)
        return self.asked

    def learn(self, returns: np.ndarray) -> None:
        assert self.asked is not None
        self.best = better(self.best, self.asked, returns)

    def choice(self) -> Candidate:
        return self.best

    def state(self) -> dict[str, Any]:
        return {"best": self.best.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        device = self.best.prompts.states.device
        self.best = Candidate.restored(state["best"], device)


def better(choice: Candidate, prompts: Segments, returns: np.ndarray) -> Candidate:
    """``choice``, or in its place the best of prompts (R, C, P, ..) that returned more.

    Among equals the earlier one stays.
    """
    rows, column = np.arange(len(returns)), returns.argmax(axis=1)
    found = returns[rows, column]
    replaced = ~(found <= choice.values)  # also where nothing was known, NaN
    picked = prompts.select((rows, column))
    where = torch.from_numpy(replaced).to(picked.states.device)
    pairs = zip(picked, choice.prompts, strict=True)
    merged = (
        torch.where(where.view(-1, *[1] * (new.dim() - 1)), new, old) for new, old in pairs
    )
    return Candidate(Segments(*merged), np.where(replaced, found, choice.values))


@dataclass(frozen=True)
class PerturbedOptions(SearchOptions):
    smoothing: float = 0.3  # standard deviation of a step: PTDT-online's; our choice
    candidates: int = 1  # played together, from the same resets

    def __post_init__(self) -> None:
        super().__post_init__()
        positive(self, "smoothing")
        at_least(self, 1, "candidates")
        at_most(self, 1000, "smoothing", "candidates")


class PerturbedBest(BestSoFar):
    """Candidates are Gaussian steps away from some prompts, which are the first one."""

    def __init__(self, problem: TuningProblem, options: PerturbedOptions):
        super().__init__(problem, options.candidates)
        self.smoothing = options.smoothing
        self.directions = Directions(problem)

    @abstractmethod
    def centre(self) -> Segments:
        """(R, P, ..)."""

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
    """A proposer whose choice is one point x of every row, which its steps move.

    What x earns is not known unless a subclass says it.
    """

    def __init__(self, problem: TuningProblem, width: int):
        self.width = width
        self.template = problem.require_prompts()
        self.position = to_vectors(self.template)  # (R, d), never changed in place
        self.values = np.full(len(problem.rows), np.nan)
        self.directions = Directions(problem)

    @abstractmethod
    def candidates(self, count: int) -> Tensor:
        """(R, count, d)."""

    @abstractmethod
    def learn(self, returns: np.ndarray) -> None:
        """Returns (R, count) of what was proposed last."""

    def propose(self, count: int) -> Segments:
        return to_prompts(self.candidates(count), self.template)

    def choice(self) -> Candidate:
        return Candidate(to_prompts(self.position, self.template), self.values)

    def state(self) -> dict[str, Any]:
        own = {"position": self.position, "values": self.values}
        return {**own, "directions": self.directions.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.position = self._tensor(state["position"])
        self.values = state["values"]
        self.directions.restore(state["directions"])

    def _tensor(self, values: np.ndarray) -> Tensor:
        """On the prompts' device."""
        return torch.from_numpy(values).to(self.template.states.device)
