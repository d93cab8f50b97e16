"""What a tuning method returns."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

    from trajprompt.trajectories.segments import Segments


class Extra(NamedTuple):
    """An array that a method leaves for the report; the name is its key in ``extras``."""

    values: np.ndarray
    unit: str
    description: str  # the shape in words, too


@dataclass(frozen=True)
class Adaptation:
    """What a method made of a problem. ``last`` is what tables report by default.

    ``best`` is the iterate with the lowest objective that the method itself saw; nothing
    here has looked at an evaluation episode.
    """

    last: "Segments | None"  # (R, P, ..)
    best: "Segments | None"  # (R, P, ..)
    best_iteration: np.ndarray  # (R,)
    history: list[dict[str, Any]]  # one dict of HISTORY_COLUMNS per row and iteration
    curve: dict[int, "Segments"] = field(default_factory=dict)  # iteration -> (R, P, ..)
    weights: "dict[int, dict[str, Tensor]] | None" = None  # row -> tuned state dict
    parameters: int = 0  # numbers that the method tunes, per row
    extras: dict[str, Extra] = field(default_factory=dict)
    # iteration -> row -> tuned state dict, of methods that tune weights and keep a curve
    snapshots: "dict[int, dict[int, dict[str, Tensor]]]" = field(default_factory=dict)


# name -> (unit, description); queries, steps are totals of one row since its start
HISTORY_COLUMNS = {
    "task": ("index", "published index of the task"),
    "prompt": ("index", "number of the prompt within its task"),
    "iteration": ("iteration", "outer iterations done"),
    "queries": ("query", "candidate prompts judged so far, each once"),
    "simulator_steps": ("step", "simulator steps used so far"),
    "gradient_steps": ("step", "optimiser steps used so far"),
    "objective": ("see method", "the method's objective at this iterate, lower is better"),
    "displacement": ("prompt units", "Euclidean distance of the prompt from its start"),
}
