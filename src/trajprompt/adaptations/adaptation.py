"""What a tuning method returns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
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


def _column(unit: str, description: str, **default: Any) -> Any:
    """A field of `HistoryRow` with what its file says of it."""
    return field(metadata={"unit": unit, "description": description}, **default)


@dataclass(frozen=True)
class HistoryRow:
    """One row at one iteration. Queries and steps are totals of the row since its start."""

    task: int = _column("index", "published index of the task")
    prompt: int = _column("index", "number of the prompt within its task")
    iteration: int = _column("iteration", "outer iterations done")
    queries: int = _column("query", "candidate prompts judged so far, each once", default=0)
    simulator_steps: int = _column("step", "simulator steps used so far", default=0)
    gradient_steps: int = _column("step", "optimiser steps used so far", default=0)
    objective: float = _column(
        "see method",
        "the method's objective at this iterate, lower is better",
        default=float("nan"),
    )
    displacement: float = _column(
        "prompt units",
        "Euclidean distance of the prompt from its start",
        default=0.0,
    )


# name -> (unit, description)
HISTORY_COLUMNS = {
    item.name: (item.metadata["unit"], item.metadata["description"])
    for item in fields(HistoryRow)
}
# Columns that are measured; the others count.
MEASURED = frozenset(item.name for item in fields(HistoryRow) if item.type is float)


def saved_history(history: Sequence[HistoryRow]) -> list[dict[str, Any]]:
    """A history as a checkpoint keeps it."""
    return [dict(vars(row)) for row in history]


def restored_history(saved: Sequence[Mapping[str, Any]]) -> list[HistoryRow]:
    return [HistoryRow(**row) for row in saved]


@dataclass(frozen=True)
class Adaptation:
    """What a method made of a problem. ``last`` is what tables report by default.

    ``best`` is the iterate with the lowest objective that the method itself saw; nothing
    here has looked at an evaluation episode.
    """

    last: "Segments | None"  # (R, P, ..)
    best: "Segments | None"  # (R, P, ..)
    best_iteration: np.ndarray  # (R,)
    history: list[HistoryRow]  # one per row and iteration
    curve: dict[int, "Segments"] = field(default_factory=dict)  # iteration -> (R, P, ..)
    weights: "dict[int, dict[str, Tensor]] | None" = None  # row -> tuned state dict
    parameters: int = 0  # numbers that the method tunes, per row
    extras: dict[str, Extra] = field(default_factory=dict)
    # iteration -> row -> tuned state dict, of methods that tune weights and keep a curve
    snapshots: "dict[int, dict[int, dict[str, Tensor]]]" = field(default_factory=dict)
