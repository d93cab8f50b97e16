"""An oracle without a simulator: returns are a function of the prompts' values."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
from torch import Tensor

from trajprompt.trajectories.segments import Segments
from trajprompt.tuning.oracle import OracleResult
from trajprompt.tuning.prompt_vectors import to_vectors
from trajprompt.tuning.protocol import TuningProblem
from trajprompt.tuning.search import loop as search

STEPS = 10  # simulator steps of every episode


@dataclass
class FakeOracle:
    """Replacement of `ReturnOracle` that records candidates and returns of every round."""

    return_of: Callable[[Tensor], Tensor]  # vectors (R, C, d) -> returns (R, C)
    candidates: list[Tensor] = field(default_factory=list)  # (R, C, d)
    returns: list[np.ndarray] = field(default_factory=list)  # (R, C)
    episodes: int = 1  # per candidate

    def fresh_resets(self, sequence: np.random.SeedSequence, number: int) -> np.ndarray:
        return np.zeros((), np.int64)

    def __call__(self, prompts: Segments, seeds: np.ndarray) -> OracleResult:
        vectors = to_vectors(prompts)
        found = self.return_of(vectors.double()).numpy()
        self.candidates.append(vectors)
        self.returns.append(found)
        return OracleResult(found, np.full(found.shape, STEPS * self.episodes))


def fake(
    monkeypatch: pytest.MonkeyPatch, return_of: Callable[[Tensor], Tensor]
) -> FakeOracle:
    """Replace the simulator's oracle in the next search."""
    oracle = FakeOracle(return_of)

    def make(problem: TuningProblem, episodes: int) -> FakeOracle:
        oracle.episodes = episodes
        return oracle

    monkeypatch.setattr(search, "ReturnOracle", make)
    return oracle


def bowl(problem: TuningProblem, offset: float = 1.0) -> Callable[[Tensor], Tensor]:
    """Return the negative squared distance to the initial prompt plus ``offset``."""
    best = to_vectors(problem.require_prompts()).double().unsqueeze(1) + offset
    return lambda vectors: -(vectors - best).square().sum(-1)
