"""Zeroth-order descent by ranks: the estimator of Eq. 3 and the loop of Algorithm 1.

Prompt-Tuning DT (arXiv 2305.09648); the estimator is ZO-RankSGD's (arXiv 2303.03751).
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from trajprompt.errors import TrajpromptError
from trajprompt.options import OptionError, at_least, positive
from trajprompt.progress import progress
from trajprompt.seeds import torch_generator
from trajprompt.tuning.prompt_vectors import to_prompts, to_vectors
from trajprompt.tuning.protocol import Adaptation, TuningProblem


def rank_weights(objectives: Tensor, ranked: int) -> Tensor:
    """Coefficient of every noise vector in Eq. 3, divided by |E|. (R, m) -> (R, m).

    The edges E go from better to worse: all pairs inside the best ``ranked`` = k, and
    from each of them to every other. Summing (noise_j - noise_i) over E leaves weight
    2r - (m-1) on rank r < k (0 is best) and +k on the rest, |E| = km - k(k+1)/2. Equal
    objectives share their mean weight, so that the order of the queries never matters.
    """
    count = objectives.shape[-1]
    if not torch.isfinite(objectives).all():
        raise TrajpromptError(
            "ranking oracle", "NaN or infinite objective", "finite values"
        )
    by_rank = 2.0 * torch.arange(count, dtype=torch.float32) - (count - 1)
    by_rank[ranked:] = ranked
    edges = ranked * count - ranked * (ranked + 1) / 2
    order = objectives.argsort(dim=-1, stable=True)
    weights = torch.empty(objectives.shape, dtype=torch.float32, device=objectives.device)
    weights.scatter_(-1, order, by_rank.to(weights).expand_as(objectives))
    ties = (objectives.unsqueeze(-1) == objectives.unsqueeze(-2)).to(weights)  # (R, m, m)
    return (ties @ weights.unsqueeze(-1)).squeeze(-1) / ties.sum(-1) / edges


def rank_gradient(noise: Tensor, objectives: Tensor, ranked: int) -> Tensor:
    """Eq. 3 for every row: noise (R, m, d), objectives (R, m) -> (R, d) in O(R m d)."""
    weights = rank_weights(objectives, ranked).to(noise.device)
    return torch.einsum("rm,rmd->rd", weights, noise.float())


@dataclass(frozen=True)
class RankSettings:
    """The options that both ranking methods share."""

    step_size: float  # eta
    smoothing: float  # mu: standard deviation of the candidates around the iterate
    candidates: int  # m
    ranked: int  # k
    iterations: int
    steps_per_iteration: int

    def __post_init__(self) -> None:
        at_least(self, 1, "ranked", "iterations", "steps_per_iteration")
        at_least(self, 2, "candidates")
        positive(self, "step_size", "smoothing")
        if self.ranked > self.candidates:
            expected = f"at most candidates, {self.candidates}"
            raise OptionError("ranked", str(self.ranked), expected)


@dataclass(frozen=True)
class Verdict:
    """What one pass of an objective found; lower is better."""

    candidates: Tensor  # (R, m)
    iterate: Tensor | None  # (R,), if the pass judged the iterate too
    queries: int  # candidate prompts judged, per row
    simulator_steps: np.ndarray  # (R,)


class Objective(Protocol):
    def __call__(
        self, candidates: Tensor | None, iterate: Tensor | None, step: int
    ) -> Verdict:
        """Judge candidates (R, m, d) and, where given, the iterate (R, d).

        Candidates of a row are compared on common data that change from step to step;
        iterates are judged on data that never change, so that they can be compared over
        the whole descent.
        """
        ...


def descend(
    problem: TuningProblem, settings: RankSettings, objective: Objective
) -> Adaptation:
    """Algorithm 1 on all rows at once; iterates are judged as each iteration ends."""
    record = _Record(problem)
    position = record.start.clone()
    generator = torch_generator(problem.streams(1)[0])
    total = settings.iterations * settings.steps_per_iteration
    for step in progress(range(total), f"{problem.suite.name} ranking"):
        iteration, within = divmod(step, settings.steps_per_iteration)
        noise = _noise(position, settings.candidates, generator)
        candidates = position.unsqueeze(1) + settings.smoothing * noise
        verdict = objective(candidates, position if within == 0 else None, step)
        if within == 0:
            record.keep(iteration, position, verdict)
        record.count(verdict)
        gradient = rank_gradient(noise, verdict.candidates, settings.ranked)
        position = position - settings.step_size * gradient
    final = objective(None, position, total)
    record.count(final)
    record.keep(settings.iterations, position, final)
    return record.adaptation(position)


def _noise(position: Tensor, candidates: int, generator: torch.Generator) -> Tensor:
    """Fresh standard normal directions (R, m, d), drawn on the CPU on every device."""
    rows, size = position.shape
    return torch.randn(rows, candidates, size, generator=generator).to(position.device)


class _Record:
    """Budgets, judged iterates and the best of them, while a descent runs."""

    def __init__(self, problem: TuningProblem):
        self.problem, self.template = problem, problem.require_prompts()
        self.start = to_vectors(self.template)  # (R, d)
        rows = len(problem.rows)
        self.queries = 0
        self.simulator_steps = np.zeros(rows, np.int64)
        self.objectives: list[Tensor] = []  # one (R,) per judged iterate
        self.iterates: list[Tensor] = []  # one (R, d) per judged iterate
        self.history: list[dict[str, Any]] = []

    def count(self, verdict: Verdict) -> None:
        self.queries += verdict.queries
        self.simulator_steps = self.simulator_steps + verdict.simulator_steps

    def keep(self, iteration: int, position: Tensor, verdict: Verdict) -> None:
        """Log the iterate that ``verdict`` judged, with the budget that led to it."""
        assert verdict.iterate is not None
        self.objectives.append(verdict.iterate.float().cpu())
        self.iterates.append(position.clone())
        moved = (position - self.start).norm(dim=-1)  # (R,)
        for row, task in enumerate(self.problem.rows.tolist()):
            values = {
                "task": task,
                "prompt": int(self.problem.prompts[row]),
                "iteration": iteration,
                "queries": self.queries,
                "simulator_steps": int(self.simulator_steps[row]),
                "gradient_steps": 0,
                "objective": float(verdict.iterate[row]),
                "displacement": float(moved[row]),
            }
            self.history.append(values)

    def adaptation(self, position: Tensor) -> Adaptation:
        best = torch.stack(self.objectives).argmin(dim=0)  # (R,), the earliest of equals
        vectors = torch.stack(self.iterates)  # (T, R, d)
        chosen = vectors[best.to(vectors.device), torch.arange(len(best))]
        curve = {i: to_prompts(x, self.template) for i, x in enumerate(self.iterates)}
        return Adaptation(
            last=to_prompts(position, self.template),
            best=to_prompts(chosen, self.template),
            best_iteration=best.numpy(),
            history=self.history,
            curve=curve,
        )
