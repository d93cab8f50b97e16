"""Prompts of segments drawn at random from the demonstrations of each row's task."""

from collections.abc import Mapping
from typing import Any

import torch

from trajprompt.seeds import torch_generator
from trajprompt.trajectories.segments import Segments
from trajprompt.tuning.protocol import SharedStream, TuningProblem


class SegmentDraws:
    """Draws of a prompt's J segments, independent and uniform among the row's arms.

    Methods of one suite and seed draw the same prompts if they draw equal numbers at once.
    """

    def __init__(self, problem: TuningProblem):
        self.arms = problem.require_arms()  # (A, H, ..) of each row
        self.slots = problem.prompt_segments  # J
        self.generator = torch_generator(problem.shared(SharedStream.SEGMENTS))

    def draw(self, count: int) -> Segments:
        """Draw prompts (R, count, J · H, ..)."""
        shape = (len(self.arms), count, self.slots)
        uniform = torch.rand(shape, dtype=torch.float64, generator=self.generator)
        drawn = [  # (count, J · H, ..) of each row
            arms.select((values * arms.leading[0]).long().to(arms.states.device)).join()
            for arms, values in zip(self.arms, uniform, strict=True)
        ]
        return Segments(*(torch.stack(parts) for parts in zip(*drawn, strict=True)))

    def state(self) -> dict[str, Any]:
        return {"generator": self.generator.get_state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.generator.set_state(torch.from_numpy(state["generator"]))
