"""An oracle that needs no simulator: what prompts earn is a function of their numbers."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
from torch import Tensor

from trajprompt.trajectories.segments import Segments
from trajprompt.tuning.oracle import Played
from trajprompt.tuning.prompt_vectors import to_vectors
from trajprompt.tuning.protocol import TuningProblem
from trajprompt.tuning.search import loop as search

STEPS = 10  # simulator steps of every episode


@dataclass
class FakeOracle:
    """In place of `ReturnOracle`; keeps the candidates and returns of every round."""

    earn: Callable[[Tensor], Tensor]  # vectors (R, C, d) -> returns (R, C)
    asked: list[Tensor] = field(default_factory=list)  # (R, C, d)
    returns: list[np.ndarray] = field(default_factory=list)  # (R, C)

    def fresh_resets(self, sequence: np.random.SeedSequence, number: int) -> np.ndarray:
        return np.zeros((), np.int64)

    def __call__(self, prompts: Segments, seeds: np.ndarray) -> Played:
        vectors = to_vectors(prompts)
        found = self.earn(vectors.double()).numpy()
        self.asked.append(vectors)
        self.returns.append(found)
        return Played(found, np.full(len(found), STEPS * found.shape[1]))


def fake(monkeypatch: pytest.MonkeyPatch, earn: Callable[[Tensor], Tensor]) -> FakeOracle:
    """Put one in the place of the simulator's for the next search."""
    oracle = FakeOracle(earn)
    monkeypatch.setattr(search, "ReturnOracle", lambda problem: oracle)
    return oracle


def bowl(problem: TuningProblem, offset: float = 1.0) -> Callable[[Tensor], Tensor]:
    """Minus the squared distance to a point ``offset`` beside the initial prompt."""
    best = to_vectors(problem.require_prompts()).double().unsqueeze(1) + offset
    return lambda vectors: -(vectors - best).square().sum(-1)
