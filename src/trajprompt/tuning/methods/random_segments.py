"""Random segments: prompts as an untuned Prompt-DT gets them, drawn and played.

What the bandit paper calls PDT: nothing is learnt. Its episodes show how much the return
depends on the draw.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from trajprompt.adaptations.adaptation import Adaptation
from trajprompt.settings.options import at_least, at_most
from trajprompt.trajectories.segments import Segments
from trajprompt.tuning.protocol import TuningProblem, register
from trajprompt.tuning.search.loop import Candidate, SearchOptions, search, untuned
from trajprompt.tuning.search.segment_draws import SegmentDraws


@dataclass(frozen=True)
class RandomSegmentsOptions(SearchOptions):
    # Draws that are played together, from the same resets: our choice, ten rounds of 250.
    candidates: int = 25

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(self, 1, "candidates")
        at_most(self, 1000, "candidates")


class RandomSegments:
    """A proposer that hands back the last draw, whatever it earned."""

    def __init__(self, problem: TuningProblem, options: RandomSegmentsOptions):
        self.width = options.candidates
        self.draws = SegmentDraws(problem)
        self.last = untuned(problem)

    def propose(self, count: int) -> Segments:
        drawn = self.draws.draw(count)
        self.last = Candidate(drawn.select((slice(None), -1)), self.last.values)
        return drawn

    def learn(self, returns: np.ndarray) -> None:
        pass

    def choice(self) -> Candidate:
        return self.last

    def state(self) -> dict[str, Any]:
        return {"last": self.last.state(), "draws": self.draws.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.last = Candidate.restored(state["last"], self.last.prompts.states.device)
        self.draws.restore(state["draws"])


@register("random-segments", RandomSegmentsOptions, moves_prompts=True, reads_arms=True)
def tune(problem: TuningProblem, options: RandomSegmentsOptions) -> Adaptation:
    return search(problem, options, RandomSegments(problem, options))
