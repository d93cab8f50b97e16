"""Hill-climbing: a Gaussian step away from the best prompt so far, kept if it earns more.

The bandit paper's baseline; how it perturbs and compares is not published.
"""

from dataclasses import dataclass

from trajprompt.options import at_least, at_most, positive
from trajprompt.trajectories.segments import Segments
from trajprompt.tuning.proposers import PerturbedBest
from trajprompt.tuning.protocol import Adaptation, TuningProblem, register
from trajprompt.tuning.search import SearchOptions, search


@dataclass(frozen=True)
class HillClimbingOptions(SearchOptions):
    smoothing: float = 0.3  # standard deviation of a step: PTDT-online's; our choice
    candidates: int = 1  # steps that are tried before the best of them is kept

    def __post_init__(self) -> None:
        super().__post_init__()
        positive(self, "smoothing")
        at_least(self, 1, "candidates")
        at_most(self, 1000, "smoothing", "candidates")


class HillClimbing(PerturbedBest):
    """The first candidates are the initial prompts.

    The best is not played again: it stays until a step earns more than it once did.
    """

    def __init__(self, problem: TuningProblem, options: HillClimbingOptions):
        super().__init__(problem, options.candidates, options.smoothing)

    def centre(self) -> Segments:
        return self.best.prompts


@register("hill-climbing", HillClimbingOptions, moves_prompts=True)
def tune(problem: TuningProblem, options: HillClimbingOptions) -> Adaptation:
    return search(problem, options, HillClimbing(problem, options))
