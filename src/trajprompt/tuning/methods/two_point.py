"""Two-point search: zeroth-order ascent by the values of returns, not by their ranks.

Pairs of candidates are on both sides of the iterate x (antithetic evolution strategy).
As in ARS (arXiv 1803.07055, Algorithm 1), the step is divided by the standard deviation of
a round's returns, because the scale of returns differs between suites.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from trajprompt.adaptations.adaptation import Adaptation
from trajprompt.settings.options import Scale, SmallCount
from trajprompt.tuning.protocol import TuningProblem, register
from trajprompt.tuning.search.loop import AveragedOptions, search
from trajprompt.tuning.search.proposers import IterateProposer


@dataclass(frozen=True)
class TwoPointOptions(AveragedOptions):
    step_size: Scale = 0.1  # an update moves x as far as in PTDT-online; our choice
    smoothing: Scale = 0.3  # standard deviation of the pairs, as in PTDT-online
    pairs: SmallCount = 5  # per update: 25 updates in 250 episodes; our choice


def two_point_gradient(noise: Tensor, returns: Tensor) -> Tensor:
    """Return the ascent direction (R, d) from returns (R, p, 2) at x ± noise (R, p, d)."""
    spread = returns.flatten(1).std(dim=1, correction=0)  # (R,)
    slopes = (returns[..., 0] - returns[..., 1]) / spread.clamp(min=1e-12)[:, None]
    return torch.einsum("rp,rpd->rd", slopes.to(noise), noise) / noise.shape[1]


class TwoPoint(IterateProposer):
    def __init__(self, problem: TuningProblem, options: TwoPointOptions):
        super().__init__(problem, 2 * options.pairs)
        self.options = options
        self.noise: Tensor | None = None  # (R, p, d), between propose and learn

    def candidates(self, count: int) -> Tensor:
        """Return x + s, x - s of one pair after the other; an odd last one is unpaired."""
        self.noise = self.directions.draw((count + 1) // 2)
        both = torch.stack([self.noise, -self.noise], dim=2).flatten(1, 2)
        return self.position.unsqueeze(1) + self.options.smoothing * both[:, :count]

    def learn(self, returns: np.ndarray) -> None:
        pairs = returns.shape[1] // 2  # complete pairs
        if pairs == 0:
            return
        assert self.noise is not None
        values = torch.from_numpy(returns[:, : 2 * pairs]).unflatten(1, (pairs, 2))
        gradient = two_point_gradient(self.noise[:, :pairs], values)
        self.position = self.position + self.options.step_size * gradient


@register("two-point", TwoPointOptions, moves_prompts=True)
def tune(problem: TuningProblem, options: TwoPointOptions) -> Adaptation:
    return search(problem, options, TwoPoint(problem, options))
