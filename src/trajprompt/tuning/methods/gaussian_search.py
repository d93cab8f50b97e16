"""Gaussian search: the best of N perturbed prompts, each by its own episodes.

It is best of N in the space that Prompt-Tuning DT searches: the values of the initial
prompt, not segments of demonstrations.
"""

from dataclasses import dataclass

from trajprompt.adaptations.adaptation import Adaptation
from trajprompt.settings.options import SmallCount
from trajprompt.trajectories.segments import Segments
from trajprompt.tuning.protocol import TuningProblem, register
from trajprompt.tuning.search.loop import search
from trajprompt.tuning.search.proposers import PerturbedBest, PerturbedOptions


@dataclass(frozen=True)
class GaussianSearchOptions(PerturbedOptions):
    candidates: SmallCount = 25  # played together, from the same resets: our choice


class GaussianSearch(PerturbedBest):
    """Proposer of steps from the initial prompts, which are the first candidates."""

    def __init__(self, problem: TuningProblem, options: GaussianSearchOptions):
        super().__init__(problem, options)
        self.initial = problem.require_prompts()

    def centre(self) -> Segments:
        return self.initial


@register("gaussian-search", GaussianSearchOptions, moves_prompts=True)
def tune(problem: TuningProblem, options: GaussianSearchOptions) -> Adaptation:
    return search(problem, options, GaussianSearch(problem, options))
