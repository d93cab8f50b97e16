"""Hill climbing: a Gaussian step from the best prompt so far, kept if its return is higher.

It is the bandit paper's baseline. Its perturbation and comparison are not published.
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
    candidates: SmallCount = 1  # steps tried before the best of them is kept


class HillClimbing(PerturbedBest):
    """Proposer of steps from the best prompts, starting with the initial prompts.

    The best is not played again. It is kept until a step exceeds its recorded return.
    """

    def centre(self) -> Segments:
        return self.best.prompts


@register("hill-climbing", HillClimbingOptions, moves_prompts=True)
def tune(problem: TuningProblem, options: HillClimbingOptions) -> Adaptation:
    return search(problem, options, HillClimbing(problem, options))
