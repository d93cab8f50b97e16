"""Random segments: prompts drawn as for an untuned Prompt-DT, and played.

The bandit paper calls it PDT. Nothing is learnt. Its episodes show how much the return
depends on the draw.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from trajprompt.adaptations.adaptation import Adaptation
from trajprompt.settings.options import SmallCount
from trajprompt.trajectories.segments import Segments
from trajprompt.tuning.protocol import TuningProblem, register
from trajprompt.tuning.search.loop import AveragedOptions, Choice, initial_choice, search
from trajprompt.tuning.search.segment_draws import SegmentDraws


@dataclass(frozen=True)
class RandomSegmentsOptions(AveragedOptions):
    # Draws played together, from the same resets: our choice, ten rounds in 250 episodes.
    candidates: SmallCount = 25


class RandomSegments:
    """Proposer whose choice is the last draw, whatever its return."""

    def __init__(self, problem: TuningProblem, options: RandomSegmentsOptions):
        self.width = options.candidates
        self.draws = SegmentDraws(problem)
        self.last = initial_choice(problem)

    def propose(self, count: int) -> Segments:
        drawn = self.draws.draw(count)
        self.last = Choice(drawn.select((slice(None), -1)), self.last.values)
        return drawn

    def learn(self, returns: np.ndarray) -> None:
        pass

    def choice(self) -> Choice:
        return self.last

    def state(self) -> dict[str, Any]:
        return {"last": self.last.state(), "draws": self.draws.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.last = Choice.restored(state["last"], self.last.prompts.states.device)
        self.draws.restore(state["draws"])


@register("random-segments", RandomSegmentsOptions, moves_prompts=True, reads_arms=True)
def tune(problem: TuningProblem, options: RandomSegmentsOptions) -> Adaptation:
    return search(problem, options, RandomSegments(problem, options))
