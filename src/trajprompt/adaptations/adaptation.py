"""Return value of a tuning method."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

    from trajprompt.trajectories.segments import Segments


class Extra(NamedTuple):
    """Array that a method adds for the report; its name is its key in ``extras``."""

    values: np.ndarray
    unit: str
    description: str  # with the shape in words


def _column(unit: str, description: str, **default: Any) -> Any:
    """Field of `HistoryRow`, with the unit and description written to the file."""
    return field(metadata={"unit": unit, "description": description}, **default)


@dataclass(frozen=True)
class HistoryRow:
    """One row at one iteration. Queries and steps are the row's totals so far.

    They include what judging this iterate took, at every iteration.
    """

    task: int = _column("index", "published index of the task")
    prompt: int = _column("index", "number of the prompt within its task")
    iteration: int = _column("iteration", "outer iterations done")
    queries: int = _column(
        "query", "episodes, or prompts judged by a loss, so far", default=0
    )
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
# Columns with measured values (float); the others are integers.
MEASURED = frozenset(item.name for item in fields(HistoryRow) if item.type is float)


def saved_history(history: Sequence[HistoryRow]) -> list[dict[str, Any]]:
    """History as JSON values, for a checkpoint; see `restored_history`."""
    return [dict(vars(row)) for row in history]


def restored_history(saved: Sequence[Mapping[str, Any]]) -> list[HistoryRow]:
    """History from the values of `saved_history`."""
    return [HistoryRow(**row) for row in saved]


@dataclass(frozen=True)
class Adaptation:
    """Result of a method on a problem. By default, tables report ``last``.

    ``best`` is the iterate with the lowest objective among those the method evaluated.
    No field depends on evaluation episodes.
    """

    last: "Segments | None"  # (R, P, ..)
    best: "Segments | None"  # (R, P, ..)
    best_iteration: np.ndarray  # (R,)
    history: list[HistoryRow]  # one per row and iteration
    curve: dict[int, "Segments"] = field(default_factory=dict)  # iteration -> (R, P, ..)
    weights: "dict[int, dict[str, Tensor]] | None" = None  # row -> tuned state dict
    parameters: int = 0  # tuned parameters per row
    extras: dict[str, Extra] = field(default_factory=dict)
    # iteration -> row -> tuned state dict, if the method tunes weights and keeps a curve
    snapshots: "dict[int, dict[int, dict[str, Tensor]]]" = field(default_factory=dict)
