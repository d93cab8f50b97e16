"""ZO-RankSGD with the line search of its authors' code, in the same budget of episodes.

Rounds of ranking, which give a direction, alternate with rounds of line search, which move
the iterate or keep it. Both query the same oracle with the same number of candidates.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import torch
from annotated_types import Interval
from torch import Tensor

from trajprompt.adaptations.adaptation import Adaptation
from trajprompt.settings.options import Scale, SmallCount
from trajprompt.tuning.methods.zo_rank_search import RankSearch, RankSearchOptions
from trajprompt.tuning.protocol import TuningProblem, register
from trajprompt.tuning.ranking import Candidates
from trajprompt.tuning.search.loop import search

SHRINK = 0.5  # ratio of the steps to successive points of the line: authors' code


@dataclass(frozen=True)
class LineSearchOptions(RankSearchOptions):
    step_size: Scale = 1.0  # to the farthest point; PTDT-online's is between the next two
    # Five points on the line and two others; 18 directions in 250 episodes: our choice.
    candidates: Annotated[Candidates, Interval(ge=3)] = 7
    ranked: SmallCount = 7


class LineSearch(RankSearch):
    """Proposer that moves x by line search.

    The value of x is its return in the last line search, the highest of that round.
    """

    def __init__(self, problem: TuningProblem, options: LineSearchOptions):
        super().__init__(problem, options)
        self.searching = False  # True in a round of line search
        self.line = torch.zeros_like(self.position)  # (R, d) direction
        self.query = self.position  # (R, d) the best candidate of the last ranking
        # (R,) number of directions since x moved; ``line`` is their mean
        self.averaged = torch.zeros(len(self.position), device=self.position.device)
        self.points = self.position.unsqueeze(1)  # (R, C, d), between propose and learn

    def candidates(self, count: int) -> Tensor:
        """Return the candidates (R, count, d).

        In line search they are x, the best query and points of the line, farthest first.
        """
        if self.searching:
            powers = SHRINK ** torch.arange(self.width - 2, device=self.line.device)
            steps = self.options.step_size * powers[:, None] * self.line.unsqueeze(1)
            line = self.position.unsqueeze(1) + steps
            known = torch.stack([self.position, self.query], dim=1)
            self.points = torch.cat([known, line], dim=1)[:, :count]
        else:
            self.points = super().candidates(count)
        return self.points

    def learn(self, returns: np.ndarray) -> None:
        if self.searching:
            self._move(returns)
            self.searching = False
        elif returns.shape[1] > 1:
            self._aim(returns)
            self.searching = True

    def _aim(self, returns: np.ndarray) -> None:
        """Average the new direction with the earlier ones that did not move x."""
        count = self.averaged[:, None]
        self.line = (count * self.line + self.direction(returns)) / (count + 1)
        self.averaged = self.averaged + 1
        self.query = self._best(returns)[0]

    def _move(self, returns: np.ndarray) -> None:
        """Move to the best point if it beats x; x is first and wins ties."""
        self.position, column = self._best(returns)
        self.values = returns.max(axis=1)
        self.averaged = self.averaged * (column == 0)

    def _best(self, returns: np.ndarray) -> tuple[Tensor, Tensor]:
        """Return the best (R, d) of the last candidates, and its index (R,) among them."""
        column = torch.from_numpy(returns.argmax(axis=1)).to(self.points.device)
        rows = torch.arange(len(column), device=self.points.device)
        return self.points[rows, column], column

    def state(self) -> dict[str, Any]:
        line = {"averaged": self.averaged, "line": self.line, "query": self.query}
        return {**super().state(), "searching": self.searching, **line}

    def restore(self, state: Mapping[str, Any]) -> None:
        super().restore(state)
        self.searching = state["searching"]
        self.averaged = self._tensor(state["averaged"])
        self.line, self.query = self._tensor(state["line"]), self._tensor(state["query"])


@register("zo-rank-line-search", LineSearchOptions, moves_prompts=True)
def tune(problem: TuningProblem, options: LineSearchOptions) -> Adaptation:
    return search(problem, options, LineSearch(problem, options))
