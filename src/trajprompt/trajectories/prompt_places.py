"""Places in demonstrations at which segments of prompts may begin."""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from trajprompt.errors import TrajpromptError


@dataclass(frozen=True)
class Position:
    """Rule for the places of segments of H steps in episodes of T ≥ H steps (arrays)."""

    count: Callable[[np.ndarray, int], np.ndarray]  # (T, H): number of places per episode
    step: Callable[[Tensor, int, Tensor], Tensor]  # (T, H, place): first step of a segment


def _one_place(steps: np.ndarray, length: int) -> np.ndarray:
    return np.ones_like(steps)


def _near_the_end(steps: Tensor, length: int, place: Tensor) -> Tensor:
    return (steps - length - 1).clamp(min=0)


def _window_count(steps: np.ndarray, length: int) -> np.ndarray:
    return steps - length + 1


def _window_start(steps: Tensor, length: int, place: Tensor) -> Tensor:
    return place


POSITIONS = {
    # Steps [T−H−1, T−1), without the last one (mxu34/prompt-dt prompt_utils.py,
    # get_prompt); all steps of an episode of exactly H.
    "end": Position(_one_place, _near_the_end),
    # Every window of the episode, stride 1, as in the bandit papers.
    "uniform": Position(_window_count, _window_start),
}


@dataclass(frozen=True)
class PromptPlaces:
    """Places of segments of ``length`` steps, numbered episode by episode from 0.

    Episodes shorter than a segment have none.
    """

    steps: np.ndarray  # (E,) length of each episode, in the order of their rows
    length: int
    position: str  # a key of POSITIONS
    device: torch.device | str = "cpu"  # of the places that `rows` gets

    def __post_init__(self) -> None:
        if self.position not in POSITIONS:
            expected = f"one of {', '.join(POSITIONS)}"
            found, remedy = f"found {self.position!r}", "correct this key in the config"
            raise TrajpromptError("prompt_position", found, expected, remedy)

    @property
    def counts(self) -> np.ndarray:
        """Number of places in each episode, (E,) int64."""
        places = POSITIONS[self.position].count(self.steps, self.length)
        return np.where(self.steps >= self.length, places, 0)

    @functools.cached_property
    def _tensors(self) -> tuple[Tensor, Tensor, Tensor]:
        """Number of places and of steps of each episode, and the ends of its places."""
        counts, steps = (
            torch.from_numpy(values).to(self.device) for values in (self.counts, self.steps)
        )
        return counts, steps, counts.cumsum(0)

    def rows(self, place: Tensor) -> Tensor:
        """First rows (n,) of the segments at the places ``place`` (n,)."""
        counts, steps, ends = self._tensors
        episode = torch.searchsorted(ends, place, right=True)
        within = place - (ends - counts)[episode]  # place within the episode
        step = POSITIONS[self.position].step(steps[episode], self.length, within)
        return (steps.cumsum(0) - steps)[episode] + step
