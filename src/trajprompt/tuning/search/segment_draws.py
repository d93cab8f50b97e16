"""Prompts of segments drawn at random from the demonstrations of each row's task."""

from collections.abc import Mapping
from typing import Any

import torch

from trajprompt.seeds import torch_generator
from trajprompt.trajectories.segments import Segments
from trajprompt.tuning.protocol import SharedStream, TuningProblem


class SegmentDraws:
    """J segments of a prompt, each uniform among the row's arms and drawn on its own.

    All methods of a suite and seed draw the same ones, if they draw as many at a time.
    """

    def __init__(self, problem: TuningProblem):
        self.arms = problem.require_arms()  # of each row (A, H, ..)
        self.slots = problem.prompt_segments  # J
        self.generator = torch_generator(problem.shared(SharedStream.SEGMENTS))

    def draw(self, count: int) -> Segments:
        """(R, count, J · H, ..)."""
        shape = (len(self.arms), count, self.slots)
        uniform = torch.rand(shape, dtype=torch.float64, generator=self.generator)
        drawn = [  # (count, J · H, ..) of each row
            arms.select((own * arms.leading[0]).long().to(arms.states.device)).join()
            for arms, own in zip(self.arms, uniform, strict=True)
        ]
        return Segments(*(torch.stack(parts) for parts in zip(*drawn, strict=True)))

    def state(self) -> dict[str, Any]:
        return {"generator": self.generator.get_state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.generator.set_state(torch.from_numpy(state["generator"]))
