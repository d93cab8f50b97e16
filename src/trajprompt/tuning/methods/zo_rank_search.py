"""ZO-RankSGD without line search, in the bandit paper's budget of episodes.

The updates are those of PTDT-online, but no episode judges an iterate. All episodes play
candidates, the same number as in the other methods of the comparison.

If the budget is not a multiple of ``candidates``, the last update ranks fewer. Its expected
length along the gradient is that of the others, but it is noisier: with 10 candidates
instead of 15 its norm is 1.27 times as large, with 5 1.98 times and with 2 4.4 times.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from trajprompt.adaptations.adaptation import Adaptation
from trajprompt.settings.options import Scale
from trajprompt.tuning.protocol import TuningProblem, register
from trajprompt.tuning.ranking import EstimatorOptions, rank_gradient
from trajprompt.tuning.search.loop import AveragedOptions, search
from trajprompt.tuning.search.proposers import IterateProposer


@dataclass(frozen=True)
class RankSearchOptions(EstimatorOptions, AveragedOptions):
    step_size: Scale = 0.3  # eta; the presets' values are calibrated (docs/calibration.md)
    smoothing: Scale = 0.3  # mu

    def __post_init__(self) -> None:
        EstimatorOptions.__post_init__(self)
        AveragedOptions.__post_init__(self)


class RankSearch(IterateProposer):
    def __init__(self, problem: TuningProblem, options: RankSearchOptions):
        super().__init__(problem, options.candidates)
        self.options = options
        self.noise: Tensor | None = None  # (R, m, d), between propose and learn

    def candidates(self, count: int) -> Tensor:
        self.noise = self.directions.draw(count)
        return self.position.unsqueeze(1) + self.options.smoothing * self.noise

    def learn(self, returns: np.ndarray) -> None:
        if returns.shape[1] > 1:  # a single candidate has no rank
            direction = self.direction(returns)
            self.position = self.position + self.options.step_size * direction

    def direction(self, returns: np.ndarray) -> Tensor:
        """Return the ascent direction (R, d) from returns (R, m) of the last candidates."""
        assert self.noise is not None
        ranked = min(self.options.ranked, returns.shape[1])
        return -rank_gradient(self.noise, -torch.from_numpy(returns), ranked)


@register("zo-rank-search", RankSearchOptions, moves_prompts=True)
def tune(problem: TuningProblem, options: RankSearchOptions) -> Adaptation:
    return search(problem, options, RankSearch(problem, options))
