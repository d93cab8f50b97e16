"""CMA-ES (pycma) on the numbers of a prompt: one strategy per row, all in lockstep."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import torch
from annotated_types import Interval

from trajprompt.adaptations.adaptation import Adaptation
from trajprompt.seeds import children
from trajprompt.settings.options import Scale, SmallCount
from trajprompt.trajectories.segments import Segments
from trajprompt.tuning.prompt_vectors import to_prompts, to_vectors
from trajprompt.tuning.protocol import TuningProblem, register
from trajprompt.tuning.search.loop import Candidate, SearchOptions, search

if TYPE_CHECKING:
    from cma import CMAEvolutionStrategy


@dataclass(frozen=True)
class CmaEsOptions(SearchOptions):
    smoothing: Scale = 0.3  # sigma at the start: PTDT-online's candidates
    # pycma's default is 4 + 3 ln d, 18 to 25 for prompts of 135 to 1080 numbers. 25 is ten
    # whole generations of 250 episodes; our choice.
    # For fewer than 6 pycma mirrors its samples.
    population: Annotated[SmallCount, Interval(ge=6)] = 25
    # Variances alone, in time and memory linear in d. In so few generations a covariance
    # of d² / 2 numbers can't be learnt either way; pycma's default is all of it.
    diagonal: bool = False


def strategy(
    start: np.ndarray, options: CmaEsOptions, seeds: np.random.SeedSequence
) -> "CMAEvolutionStrategy":
    """pycma's strategy around ``start`` (d,), with a random generator of its own."""
    from cma import CMAEvolutionStrategy

    generator = np.random.default_rng(seeds)
    settings = {
        "popsize": options.population,
        "CMA_diagonal": options.diagonal,
        "randn": lambda *shape: generator.standard_normal(shape),
        "seed": np.nan,  # leave NumPy's global generator alone
        "verbose": -10,  # no output, and no signals file is looked for
    }
    return CMAEvolutionStrategy(start, options.smoothing, settings)


class CmaEs:
    """The choice is the mean of each row's distribution, which no episode has played.

    pycma recommends it where values are noisy. A last generation that is not whole is
    played, and not learnt from.
    """

    def __init__(self, problem: TuningProblem, options: CmaEsOptions):
        self.width = options.population
        self.template = problem.require_prompts()
        start = to_vectors(self.template).cpu().numpy().astype(np.float64)  # (R, d)
        streams = children(problem.streams(2)[1], len(start))
        self.strategies = [
            strategy(x, options, seeds) for x, seeds in zip(start, streams, strict=True)
        ]
        self.asked: list[list[np.ndarray]] = []  # by row; between propose and learn
        self.told: list[np.ndarray] = []  # costs (R, C) of every whole generation

    def propose(self, count: int) -> Segments:
        self.asked = [list(row.ask(count)) for row in self.strategies]
        return self._prompts(np.array(self.asked))

    def learn(self, returns: np.ndarray) -> None:
        if returns.shape[1] == self.width:
            self._tell(-returns)

    def choice(self) -> Candidate:
        means = np.stack([row.mean for row in self.strategies])
        return Candidate(self._prompts(means), np.full(len(means), np.nan))

    def state(self) -> dict[str, Any]:
        """What was told: the same questions and answers make the same strategies."""
        rows = len(self.strategies)
        return {"told": np.array(self.told).reshape(-1, rows, self.width)}

    def restore(self, state: Mapping[str, Any]) -> None:
        for costs in state["told"]:
            self.propose(self.width)
            self._tell(costs)

    def _tell(self, costs: np.ndarray) -> None:
        for row, asked, own in zip(self.strategies, self.asked, costs, strict=True):
            row.tell(asked, own.tolist())
        self.told.append(costs)

    def _prompts(self, vectors: np.ndarray) -> Segments:
        """(R, d) or (R, C, d) float64 -> (R, P, ..) or (R, C, P, ..)."""
        device = self.template.states.device
        tensor = torch.from_numpy(vectors).to(device, torch.float32)
        return to_prompts(tensor, self.template)


@register("cma-es", CmaEsOptions, moves_prompts=True)
def tune(problem: TuningProblem, options: CmaEsOptions) -> Adaptation:
    return search(problem, options, CmaEs(problem, options))
