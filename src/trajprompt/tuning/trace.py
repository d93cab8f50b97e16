"""Trace of prompts through a descent: every judged iterate and the budget used."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from trajprompt.adaptations.adaptation import (
    Adaptation,
    HistoryRow,
    restored_history,
    saved_history,
)
from trajprompt.tuning.prompt_vectors import to_prompts, to_vectors
from trajprompt.tuning.protocol import TuningProblem


@dataclass(frozen=True)
class Cost:
    """Budget that each row has used, from its start to the judging of an iterate."""

    queries: int = 0
    simulator_steps: np.ndarray | int = 0  # (R,), or the same for all
    gradient_steps: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.queries + other.queries,
            self.simulator_steps + other.simulator_steps,
            self.gradient_steps + other.gradient_steps,
        )


class DescentTrace:
    """Iterates 0 (the initial prompts) to ``iterations`` of all rows, as vectors (R, d)."""

    def __init__(self, problem: TuningProblem, iterations: int):
        self.problem = problem
        self.template = problem.require_prompts()
        self.start = to_vectors(self.template)
        self.objectives = torch.empty(iterations + 1, len(problem.rows))
        self.iterates = torch.empty(iterations + 1, *self.start.shape).to(self.start)
        self.history: list[HistoryRow] = []

    def keep(
        self, iteration: int, position: Tensor, objectives: Tensor, cost: Cost
    ) -> None:
        """Log an iterate (R, d), its objectives (R,), the budget to reach and judge it."""
        position = position.detach()
        self.objectives[iteration] = objectives.float()
        self.iterates[iteration] = position
        moved = (position - self.start).norm(dim=-1)  # (R,)
        steps = np.broadcast_to(cost.simulator_steps, len(self.problem.rows))
        for row, task in enumerate(self.problem.rows.tolist()):
            values = HistoryRow(
                task=task,
                prompt=int(self.problem.prompts[row]),
                iteration=iteration,
                queries=cost.queries,
                simulator_steps=int(steps[row]),
                gradient_steps=cost.gradient_steps,
                objective=float(objectives[row]),
                displacement=float(moved[row]),
            )
            self.history.append(values)

    def adaptation(self) -> Adaptation:
        """Return the result; ``best`` is the first iterate with the lowest objective."""
        best = self.objectives.argmin(dim=0)  # (R,)
        chosen = self.iterates[best.to(self.iterates.device), torch.arange(len(best))]
        curve = {i: to_prompts(x, self.template) for i, x in enumerate(self.iterates)}
        return Adaptation(
            last=to_prompts(self.iterates[-1], self.template),
            best=to_prompts(chosen, self.template),
            best_iteration=best.numpy(),
            history=self.history,
            curve=curve,
            parameters=self.start.shape[-1],
        )

    def state(self) -> dict[str, Any]:
        return {
            "objectives": self.objectives,
            "iterates": self.iterates,
            "history": saved_history(self.history),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.objectives.copy_(torch.from_numpy(state["objectives"]))
        self.iterates.copy_(torch.from_numpy(state["iterates"]))
        self.history = restored_history(state["history"])
