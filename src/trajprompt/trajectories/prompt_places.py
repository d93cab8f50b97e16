"""Where in demonstrations the segments of prompts may begin."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from trajprompt.errors import TrajpromptError


@dataclass(frozen=True)
class Position:
    """Of segments of H steps in episodes of T ≥ H; T and numbers are whole arrays."""

    count: Callable[[np.ndarray, int], np.ndarray]  # of (T, H): places in an episode
    step: Callable[[Tensor, int, Tensor], Tensor]  # of (T, H, number): the first step


def _one(steps: np.ndarray, length: int) -> np.ndarray:
    return np.ones_like(steps)


def _near_the_end(steps: Tensor, length: int, number: Tensor) -> Tensor:
    return (steps - length - 1).clamp(min=0)


def _every_window(steps: np.ndarray, length: int) -> np.ndarray:
    return steps - length + 1


def _that_step(steps: Tensor, length: int, number: Tensor) -> Tensor:
    return number


POSITIONS = {
    # Steps [T−H−1, T−1), the last one left out (mxu34/prompt-dt prompt_utils.py,
    # get_prompt); an episode of exactly H steps gives all of them.
    "end": Position(_one, _near_the_end),
    # Every window of the episode, stride 1: what the bandit papers choose from.
    "uniform": Position(_every_window, _that_step),
}


@dataclass(frozen=True)
class PromptPlaces:
    """The places of segments of ``length`` steps, numbered episode by episode from 0.

    Episodes shorter than a segment have none.
    """

    steps: np.ndarray  # (E,) of each episode; its rows follow those of the one before
    length: int
    position: str  # a key of POSITIONS

    def __post_init__(self) -> None:
        if self.position not in POSITIONS:
            expected = f"one of {', '.join(POSITIONS)}"
            raise TrajpromptError("prompt_position", repr(self.position), expected)

    @property
    def counts(self) -> np.ndarray:
        """(E,) int64: places in each episode."""
        places = POSITIONS[self.position].count(self.steps, self.length)
        return np.where(self.steps >= self.length, places, 0)

    def rows(self, number: Tensor) -> Tensor:
        """(n,) the first rows of the segments at the places with these numbers (n,)."""
        counts, steps = (
            torch.from_numpy(values).to(number.device)
            for values in (self.counts, self.steps)
        )
        ends = counts.cumsum(0)
        episode = torch.searchsorted(ends, number, right=True)
        own = number - (ends - counts)[episode]  # number within the episode
        step = POSITIONS[self.position].step(steps[episode], self.length, own)
        return (steps.cumsum(0) - steps)[episode] + step
