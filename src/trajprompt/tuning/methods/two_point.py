"""Two-point search: zeroth-order ascent by the values of returns, not by their ranks.

Pairs of candidates lie on both sides of the iterate x (antithetic evolution strategy).
As in ARS (arXiv 1803.07055, Algorithm 1) the step is divided by the deviation of a
round's returns, because suites differ in their scale.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from trajprompt.adaptations.adaptation import Adaptation
from trajprompt.settings.options import at_least, at_most, positive
from trajprompt.tuning.protocol import TuningProblem, register
from trajprompt.tuning.search.loop import SearchOptions, search
from trajprompt.tuning.search.proposers import IterateProposer


@dataclass(frozen=True)
class TwoPointOptions(SearchOptions):
    step_size: float = 0.1  # moves x per update as far as PTDT-online does; our choice
    smoothing: float = 0.3  # standard deviation of the pairs: PTDT-online's
    pairs: int = 5  # of an update: 25 updates of 250 episodes; our choice

    def __post_init__(self) -> None:
        super().__post_init__()
        positive(self, "step_size", "smoothing")
        at_least(self, 1, "pairs")
        at_most(self, 1000, "step_size", "smoothing", "pairs")


def two_point_gradient(noise: Tensor, returns: Tensor) -> Tensor:
    """Ascent direction (R, d) from noise (R, p, d) and returns (R, p, 2) at x ± noise."""
    spread = returns.flatten(1).std(dim=1, correction=0)  # (R,)
    slopes = (returns[..., 0] - returns[..., 1]) / spread.clamp(min=1e-12)[:, None]
    return torch.einsum("rp,rpd->rd", slopes.to(noise), noise) / noise.shape[1]


class TwoPoint(IterateProposer):
    def __init__(self, problem: TuningProblem, options: TwoPointOptions):
        super().__init__(problem, 2 * options.pairs)
        self.options = options
        self.noise: Tensor | None = None  # (R, p, d), between propose and learn

    def candidates(self, count: int) -> Tensor:
        """x + s, x - s of one pair after the other; an odd last one stays alone."""
        self.noise = self.directions.draw((count + 1) // 2)
        both = torch.stack([self.noise, -self.noise], dim=2).flatten(1, 2)
        return self.position.unsqueeze(1) + self.options.smoothing * both[:, :count]

    def learn(self, returns: np.ndarray) -> None:
        pairs = returns.shape[1] // 2  # whole ones
        if pairs == 0:
            return
        assert self.noise is not None
        values = torch.from_numpy(returns[:, : 2 * pairs]).unflatten(1, (pairs, 2))
        gradient = two_point_gradient(self.noise[:, :pairs], values)
        self.position = self.position + self.options.step_size * gradient


@register("two-point", TwoPointOptions, moves_prompts=True)
def tune(problem: TuningProblem, options: TwoPointOptions) -> Adaptation:
    return search(problem, options, TwoPoint(problem, options))
