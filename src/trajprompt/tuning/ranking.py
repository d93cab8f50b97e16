"""Zeroth-order descent by ranks: the estimator of Eq. 3 and the loop of Algorithm 1.

Prompt-Tuning DT (arXiv 2305.09648); the estimator is ZO-RankSGD's (arXiv 2303.03751).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

import numpy as np
import torch
from annotated_types import Interval
from torch import Tensor

from trajprompt.adaptations.adaptation import Adaptation
from trajprompt.artifacts.checkpoint import Resumable
from trajprompt.errors import TrajpromptError
from trajprompt.seeds import torch_generator
from trajprompt.settings.options import Count, OptionError, Scale, SmallCount, Strict
from trajprompt.tuning.protocol import TuningProblem
from trajprompt.tuning.trace import Cost, DescentTrace

Candidates = Annotated[SmallCount, Interval(ge=2)]


def rank_weights(objectives: Tensor, ranked: int) -> Tensor:
    """Return the coefficients (R, m) of the noise vectors in Eq. 3, divided by |E|.

    The edges E lead from better to worse: all pairs inside the best ``ranked`` = k, and
    from each of them to every other. Summing (noise_j - noise_i) over E gives weight
    2r - (m-1) to rank r < k (0 is best) and +k to the rest. Equal objectives have no edge:
    they share their mean weight, so the order of the queries does not matter, and |E| has
    strict pairs only; without ties it is km - k(k+1)/2. If all are equal, E is empty and
    every weight is 0.
    Raises TrajpromptError if an objective of ``objectives`` (R, m) is NaN or infinite.
    """
    count = objectives.shape[-1]
    if not torch.isfinite(objectives).all():
        found, remedy = "found a NaN or infinite objective", "check the suite's rewards"
        raise TrajpromptError("ranking of candidates", found, "finite values", remedy)
    by_rank = 2.0 * torch.arange(count, dtype=torch.float32) - (count - 1)
    by_rank[ranked:] = ranked
    order = objectives.argsort(dim=-1, stable=True)
    weights = torch.empty(objectives.shape, dtype=torch.float32, device=objectives.device)
    weights.scatter_(-1, order, by_rank.to(weights).expand_as(objectives))
    ties = (objectives.unsqueeze(-1) == objectives.unsqueeze(-2)).to(weights)  # (R, m, m)
    shared = (ties @ weights.unsqueeze(-1)).squeeze(-1) / ties.sum(-1)
    return shared / _edges(objectives, ranked).clamp(min=1.0)


def _edges(objectives: Tensor, ranked: int) -> Tensor:
    """Return the number (R, 1) of strict pairs in E, for objectives (R, m)."""
    lower = objectives.unsqueeze(-2) < objectives.unsqueeze(-1)  # (R, m, m) j below i
    better, worse = lower.sum(-1), lower.sum(-2)  # (R, m)
    equal = objectives.shape[-1] - better - worse  # including itself
    # Of a group of equals, as many are among the best k as places are left there.
    inside = (ranked - better).clamp(min=0).minimum(equal) / equal
    return (inside * worse).sum(-1, keepdim=True).round()


def rank_gradient(noise: Tensor, objectives: Tensor, ranked: int) -> Tensor:
    """Estimate gradients (R, d) by Eq. 3 from noise (R, m, d) and objectives (R, m).

    Takes O(R m d). Raises TrajpromptError if an objective is NaN or infinite.
    """
    weights = rank_weights(objectives, ranked).to(noise.device)
    return torch.einsum("rm,rmd->rd", weights, noise.float())


@dataclass(frozen=True)
class EstimatorOptions(Strict):
    """Options of all methods that estimate a gradient by ranks."""

    step_size: Scale  # eta
    smoothing: Scale  # mu: standard deviation of the candidates around the iterate
    candidates: Candidates = 15  # m, PTDT Table 6
    ranked: SmallCount = 15  # k, PTDT Table 6

    def __post_init__(self) -> None:
        if self.ranked > self.candidates:
            expected = f"at most {self.candidates}, the value of candidates"
            raise OptionError("ranked", str(self.ranked), expected)


@dataclass(frozen=True)
class RankOptions(EstimatorOptions):
    """Options that both PTDT methods share."""

    iterations: Count = 20  # PTDT Table 6, fine-tuning max iterations
    steps_per_iteration: Count = 8  # PTDT Table 6, steps per iteration (offline)


@dataclass(frozen=True)
class Scores:
    """Result of one pass of an objective; lower is better."""

    candidates: Tensor  # (R, m)
    iterate: Tensor | None  # (R,), if the pass also judged the iterate
    cost: Cost  # of the candidates
    judging: Cost  # of the iterate


class Objective(Resumable, Protocol):
    def __call__(
        self, candidates: Tensor | None, iterate: Tensor | None, step: int
    ) -> Scores:
        """Judge candidates (R, m, d) and, if given, the iterate (R, d).

        Candidates of a row are compared on common data, which change from step to step.
        Iterates are judged on fixed data, so they are comparable over the entire descent.
        """
        ...


def descend(
    problem: TuningProblem, settings: RankOptions, objective: Objective
) -> Adaptation:
    """Run Algorithm 1 on all rows at once; every iteration's first iterate is judged.

    The final iterate is judged too.
    """
    return _RankDescent(problem, settings, objective).run()


class _RankDescent:
    """One descent in progress: position, used budget, judged iterates, random state."""

    def __init__(self, problem: TuningProblem, settings: RankOptions, objective: Objective):
        self.problem, self.settings, self.objective = problem, settings, objective
        self.trace = DescentTrace(problem, settings.iterations)
        self.position = self.trace.start.clone()  # (R, d)
        self.generator = torch_generator(problem.streams(1)[0])
        self.cost = Cost(0, np.zeros(len(problem.rows), np.int64))

    def run(self) -> Adaptation:
        total = self.settings.iterations * self.settings.steps_per_iteration
        label = f"{self.problem.suite.name} ranking"
        for step in self.problem.checkpoint.steps(total, self, label):
            self._descend(step)
        final = self.objective(None, self.position, total)
        self._keep(self.settings.iterations, final)
        return self.trace.adaptation()

    def state(self) -> dict[str, Any]:
        return {
            "position": self.position,
            "generator": self.generator.get_state(),
            "queries": self.cost.queries,
            "simulator_steps": self.cost.simulator_steps,
            "trace": self.trace.state(),
            "objective": self.objective.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.position.copy_(torch.from_numpy(state["position"]))
        self.generator.set_state(torch.from_numpy(state["generator"]))
        self.cost = Cost(state["queries"], state["simulator_steps"])
        self.trace.restore(state["trace"])
        self.objective.restore(state["objective"])

    def _descend(self, step: int) -> None:
        iteration, within = divmod(step, self.settings.steps_per_iteration)
        noise = self._noise()
        candidates = self.position.unsqueeze(1) + self.settings.smoothing * noise
        scores = self.objective(candidates, self.position if within == 0 else None, step)
        if within == 0:
            self._keep(iteration, scores)
        self.cost = self.cost + scores.cost
        gradient = rank_gradient(noise, scores.candidates, self.settings.ranked)
        self.position = self.position - self.settings.step_size * gradient

    def _noise(self) -> Tensor:
        """Draw standard normal directions (R, m, d), on the CPU for every device."""
        rows, size = self.position.shape
        shape = (rows, self.settings.candidates, size)
        return torch.randn(shape, generator=self.generator).to(self.position.device)

    def _keep(self, iteration: int, scores: Scores) -> None:
        """Log the iterate that ``scores`` judged, with the budget to reach and judge it."""
        assert scores.iterate is not None
        self.cost = self.cost + scores.judging
        self.trace.keep(iteration, self.position, scores.iterate, self.cost)
