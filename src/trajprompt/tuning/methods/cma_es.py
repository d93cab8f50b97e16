"""CMA-ES (pycma) on the values of a prompt: one strategy per row, all in lockstep."""

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
from trajprompt.tuning.search.loop import AveragedOptions, Choice, search

if TYPE_CHECKING:
    from cma import CMAEvolutionStrategy


@dataclass(frozen=True)
class CmaEsOptions(AveragedOptions):
    smoothing: Scale = 0.3  # initial sigma, as for PTDT-online's candidates
    # pycma's default is 4 + 3 ln d, 18 to 25 for prompts of 135 to 1080 values. With 25,
    # our choice, 250 episodes are ten complete generations.
    # For fewer than 6 pycma mirrors its samples.
    population: Annotated[SmallCount, Interval(ge=6)] = 25
    # True: variances only, with time and memory linear in d. So few generations cannot
    # learn a covariance of d² / 2 elements, but the full covariance is pycma's default.
    diagonal: bool = False


def strategy(
    start: np.ndarray, options: CmaEsOptions, seeds: np.random.SeedSequence
) -> "CMAEvolutionStrategy":
    """Create pycma's strategy around ``start`` (d,), with a separate random generator."""
    from cma import CMAEvolutionStrategy

    generator = np.random.default_rng(seeds)
    settings = {
        "popsize": options.population,
        "CMA_diagonal": options.diagonal,
        "randn": lambda *shape: generator.standard_normal(shape),
        "seed": np.nan,  # does not touch NumPy's global generator
        "verbose": -10,  # no output, and no search for a signals file
    }
    return CMAEvolutionStrategy(start, options.smoothing, settings)


class CmaEs:
    """Proposer whose choice is the mean of each row's distribution, played by no episode.

    pycma recommends the mean where values are noisy. An incomplete last generation is
    played but not learnt from.
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
        self.costs: list[np.ndarray] = []  # (R, C) of every complete generation

    def propose(self, count: int) -> Segments:
        self.asked = [list(row.ask(count)) for row in self.strategies]
        return self._prompts(np.array(self.asked))

    def learn(self, returns: np.ndarray) -> None:
        if returns.shape[1] == self.width:
            self._tell(-returns)

    def choice(self) -> Choice:
        means = np.stack([row.mean for row in self.strategies])
        return Choice(self._prompts(means), np.full(len(means), np.nan))

    def state(self) -> dict[str, Any]:
        """Return the costs; replaying them reproduces the strategies."""
        rows = len(self.strategies)
        return {"told": np.array(self.costs).reshape(-1, rows, self.width)}

    def restore(self, state: Mapping[str, Any]) -> None:
        for costs in state["told"]:
            self.propose(self.width)
            self._tell(costs)

    def _tell(self, costs: np.ndarray) -> None:
        for row, asked, row_costs in zip(self.strategies, self.asked, costs, strict=True):
            row.tell(asked, row_costs.tolist())
        self.costs.append(costs)

    def _prompts(self, vectors: np.ndarray) -> Segments:
        """Convert float64 (R, d) or (R, C, d) to prompts (R, P, ..) or (R, C, P, ..)."""
        device = self.template.states.device
        tensor = torch.from_numpy(vectors).to(device, torch.float32)
        return to_prompts(tensor, self.template)


@register("cma-es", CmaEsOptions, moves_prompts=True)
def tune(problem: TuningProblem, options: CmaEsOptions) -> Adaptation:
    return search(problem, options, CmaEs(problem, options))
