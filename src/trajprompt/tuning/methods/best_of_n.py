"""Best of N: the random prompt of segments with the highest return in one episode.

This is the cheapest control; the papers do not have it. With equal options it plays the
same prompts as random-segments.
"""

from collections.abc import Mapping
from typing import Any

from trajprompt.adaptations.adaptation import Adaptation
from trajprompt.trajectories.segments import Segments
from trajprompt.tuning.methods.random_segments import RandomSegmentsOptions
from trajprompt.tuning.protocol import TuningProblem, register
from trajprompt.tuning.search.loop import search
from trajprompt.tuning.search.proposers import BestSoFar
from trajprompt.tuning.search.segment_draws import SegmentDraws


class BestOfN(BestSoFar):
    """Proposer of random prompts of segments; N is the budget of episodes."""

    def __init__(self, problem: TuningProblem, options: RandomSegmentsOptions):
        super().__init__(problem, options.candidates)
        self.draws = SegmentDraws(problem)

    def candidates(self, count: int) -> Segments:
        return self.draws.draw(count)

    def state(self) -> dict[str, Any]:
        return {**super().state(), "draws": self.draws.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        super().restore(state)
        self.draws.restore(state["draws"])


@register("best-of-n", RandomSegmentsOptions, moves_prompts=True, reads_arms=True)
def tune(problem: TuningProblem, options: RandomSegmentsOptions) -> Adaptation:
    return search(problem, options, BestOfN(problem, options))
