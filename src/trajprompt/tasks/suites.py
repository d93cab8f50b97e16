"""What a suite of tasks is: sizes, goals, splits, and the functions that play and show it.

The suites themselves are in the files of the families (cheetah.py, ant.py, ...), found by
`registry`. Goals are in the CSV files beside this module, each with its source.
"""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from trajprompt.errors import TrajpromptError

if TYPE_CHECKING:
    from torch import Tensor

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Camera:
    """The place of a camera in a film; angles in degrees, as in MuJoCo."""

    at: str | tuple[float, float, float]  # a body that it follows, or a point, metres
    distance: float  # metres
    azimuth: float
    elevation: float


@dataclass(frozen=True)
class Relabelling:
    """The rewards of a transition under other goals, where dynamics do not depend on them.

    The reward is that of a velocity, minus a control cost. The velocity is solved for in
    the reward that was paid, because float32 observations round it.
    """

    reward: "Callable[[Tensor, Tensor], Tensor]"  # of (velocity, goal), no control cost
    # The velocity (N,) that earned (reward before control cost, goal), each (N,); the third
    # argument is that velocity by the observations, rough, to choose among solutions.
    velocity: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
    progress: Callable[[np.ndarray], np.ndarray]  # (N, S) -> (N,) whose change is rewarded
    control_weight: float  # the cost is this times |a|^2


class Symmetry(Protocol):
    """A view of rows in which the goals of all tasks are one."""

    survive: float  # paid at every step until termination, whatever the action

    def look(self, observations: np.ndarray) -> np.ndarray:
        """Observations (N, S) as they look in that view."""

    def perform(self, actions: np.ndarray) -> np.ndarray:
        """The simulator's actions (N, A) for those of the view."""

    def intend(self, actions: np.ndarray) -> np.ndarray:
        """The view's actions (N, A) for those of the simulator."""


@dataclass(frozen=True, kw_only=True)
class Suite:
    """A family of tasks with one state and one action space.

    N are the rows of a simulator. Functions that take a simulator get one of the suite's.
    """

    name: str
    label: str  # in tables and figures
    words: Callable[[np.ndarray], str]  # what a goal (G,) asks for
    simulator: Callable[["Suite", np.ndarray, int], Any]  # a `simulator.Simulator`
    state_dim: int
    action_dim: int
    horizon: int  # control steps per episode
    dt: float  # seconds per control step
    deterministic_resets: bool = False  # one evaluation episode then says all

    goals: np.ndarray  # (tasks, G), row = published task index
    goal_unit: str
    table: str = ""  # the CSV of the goals
    train_tasks: tuple[int, ...]
    test_tasks: tuple[int, ...]
    target_return: float  # the return-to-go that evaluated episodes start with
    return_scale: float  # a return-to-go is divided by it before a backbone reads it

    # A suite is collected by a scripted expert where it has one, else by agents. An expert
    # gets the simulator, which knows the goals, and observations (N, S); it gives actions
    # (N, A), a fresh float32 array.
    expert: Callable[[Any, np.ndarray], np.ndarray] | None = None
    visible: int | None = None  # agents see the first so many numbers of an observation
    # One agent for all tasks needs one of these.
    relabelling: Relabelling | None = None
    symmetry: Callable[[np.ndarray], Symmetry] | None = None  # of rows' goals (N, G)

    # Of films: the name of the model's own camera or another place; None: no model to see.
    camera: str | Camera | None = None
    # The goal as an arrow from the torso, goals being angles, or the model's site "goal".
    goal_mark: Literal["arrow", "site"] | None = None

    @property
    def filmed(self) -> bool:
        return self.camera is not None

    @property
    def visible_dim(self) -> int:
        """Numbers of an observation that agents see."""
        return self.state_dim if self.visible is None else self.visible

    @property
    def shares_agents(self) -> bool:
        """Whether one agent may learn all tasks."""
        return self.relabelling is not None or self.symmetry is not None

    def wording(self, task: int) -> str:
        """What ``task`` asks for, e.g. ``run forwards at 0.6 m/s``."""
        return self.words(self.goals[task])


def read_table(file: str) -> np.ndarray:
    """The columns after ``task`` of a CSV beside this module, float64 (tasks, columns)."""
    with open(HERE / file, newline="") as handle:
        rows = list(csv.reader(line for line in handle if not line.startswith("#")))
    for index, row in enumerate(rows[1:]):
        if int(row[0]) != index:
            raise TrajpromptError(
                HERE / file, f"task {row[0]} in row {index}", f"task {index}"
            )
    table = np.array([[float(cell) for cell in row[1:]] for row in rows[1:]])
    table.setflags(write=False)
    return table


def all_but(count: int, left_out: tuple[int, ...]) -> tuple[int, ...]:
    """The tasks 0 to ``count`` - 1 without those left out."""
    return tuple(task for task in range(count) if task not in left_out)
