"""Hill-climbing: a Gaussian step away from the best prompt so far, kept if it earns more.

The bandit paper's baseline; how it perturbs and compares is not published.
"""

from dataclasses import dataclass

from trajprompt.adaptations.adaptation import Adaptation
from trajprompt.settings.options import SmallCount
from trajprompt.trajectories.segments import Segments
from trajprompt.tuning.protocol import TuningProblem, register
from trajprompt.tuning.search.loop import search
from trajprompt.tuning.search.proposers import PerturbedBest, PerturbedOptions


@dataclass(frozen=True)
class HillClimbingOptions(PerturbedOptions):
    candidates: SmallCount = 1  # steps that are tried before the best of them is kept


class HillClimbing(PerturbedBest):
    """The first candidates are the initial prompts.

    The best is not played again: it stays until a step earns more than it once did.
    """

    def centre(self) -> Segments:
        return self.best.prompts


@register("hill-climbing", HillClimbingOptions, moves_prompts=True)
def tune(problem: TuningProblem, options: HillClimbingOptions) -> Adaptation:
    return search(problem, options, HillClimbing(problem, options))
