"""Suites of tasks: sizes, goals, splits, and functions that simulate and describe them.

Suites are defined in the files of their families (cheetah.py, ant.py, ...), found by
`registry`. Goals are in the CSV files beside this module, each with its source.
"""

import csv
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from trajprompt.errors import TrajpromptError

if TYPE_CHECKING:
    from torch import Tensor

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Camera:
    """Position of a camera in a video; angles in degrees, as in MuJoCo."""

    at: str | tuple[float, float, float]  # a body to follow, or a point, metres
    distance: float  # metres
    azimuth: float
    elevation: float


@dataclass(frozen=True)
class Relabelling:
    """Rewards of a transition under other goals, for dynamics that do not depend on goals.

    The reward is a function of a velocity, minus a control cost. The velocity is computed
    from the observed reward, because float32 observations round it.
    """

    reward: "Callable[[Tensor, Tensor], Tensor]"  # (velocity, goal), no control cost
    # (reward before control cost, goal, rough velocity) -> velocity, each (N,). The rough
    # velocity, from observations, selects one of several solutions.
    velocity: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
    progress: Callable[[np.ndarray], np.ndarray]  # (N, S) -> (N,), rewarded for change
    control_weight: float  # the cost is this times |a|^2


class Symmetry(Protocol):
    """View of rows in which all tasks have the same goal."""

    survive: float  # reward of every step until termination, whatever the action

    def observe(self, observations: np.ndarray) -> np.ndarray:
        """Observations (N, S) as seen in the view."""

    def to_simulator(self, actions: np.ndarray) -> np.ndarray:
        """Convert actions (N, A) of the view to the simulator's."""

    def to_agent(self, actions: np.ndarray) -> np.ndarray:
        """Convert actions (N, A) of the simulator to the view's."""


@dataclass(frozen=True, kw_only=True)
class Suite:
    """Tasks with common state and action spaces.

    N is the number of rows of a simulator. Functions that take a simulator receive one of
    this suite.
    """

    name: str
    label: str  # in tables and figures
    words: Callable[[np.ndarray], str]  # text of a goal (G,)
    simulator: Callable[["Suite", np.ndarray, int], Any]  # a `simulator.Simulator`
    state_dim: int
    action_dim: int
    horizon: int  # control steps per episode
    dt: float  # seconds per control step
    environment: str = ""  # of D4RL suites: several have one environment, and one teacher
    # Returns whose normalised scores are 0 and 100 (D4RL); None: scores are not defined.
    score_range: tuple[float, float] | None = None
    # The suite whose data has the expert demonstrations; empty: the suite's own has them.
    demonstrations_from: str = ""
    deterministic_resets: bool = False  # all episodes of a policy are then equal
    # Greatest shift of a varied start along each axis, in the suite's unit of length. Only
    # suites with deterministic resets have it, and only evaluation uses it.
    start_shift: float = 0.0
    varied_starts: bool = False  # set by `with_varied_starts`

    goals: np.ndarray  # (tasks, G), row = published task index
    goal_unit: str
    table: str = ""  # the CSV of the goals
    train_tasks: tuple[int, ...]
    test_tasks: tuple[int, ...]
    target_return: float  # the return-to-go that evaluated episodes start with
    return_scale: float  # a return-to-go is divided by it before a backbone reads it

    # The scripted expert that collects data; without one, agents do. It is called with the
    # simulator, which knows the goals, and observations (N, S). It returns actions (N, A),
    # a new float32 array.
    expert: Callable[[Any, np.ndarray], np.ndarray] | None = None
    visible: int | None = None  # agents see this number of leading elements, or all
    # One agent for all tasks needs one of these.
    relabelling: Relabelling | None = None
    symmetry: Callable[[np.ndarray], Symmetry] | None = None  # from the rows' goals (N, G)

    # For videos: the name of one of the model's cameras, or a position; None: no model.
    camera: str | Camera | None = None
    # Goal in videos: an arrow over the torso (goals are angles) or the model's site "goal".
    goal_mark: Literal["arrow", "site"] | None = None

    @property
    def filmed(self) -> bool:
        return self.camera is not None

    @property
    def visible_dim(self) -> int:
        """Number of elements of an observation that agents see."""
        return self.state_dim if self.visible is None else self.visible

    @property
    def shares_agents(self) -> bool:
        """True if one agent can learn all tasks."""
        return self.relabelling is not None or self.symmetry is not None

    def shown(self, returns: np.ndarray) -> np.ndarray:
        """Returns as the report shows them: D4RL's scores where they are defined."""
        if self.score_range is None:
            return returns
        low, high = self.score_range
        return 100 * (returns - low) / (high - low)

    def with_varied_starts(self) -> "Suite":
        """The suite with starts that depend on the reset's seed."""
        return replace(self, varied_starts=True, deterministic_resets=False)

    def goal_text(self, task: int) -> str:
        """Text of the goal of ``task``, e.g. ``run forwards at 0.6 m/s``."""
        return self.words(self.goals[task])


def read_table(file: str) -> np.ndarray:
    """Columns after ``task`` of a CSV file beside this module, float64 (tasks, columns)."""
    with open(HERE / file, newline="") as handle:
        rows = list(csv.reader(line for line in handle if not line.startswith("#")))
    for index, row in enumerate(rows[1:]):
        if int(row[0]) != index:
            found, expected = f"found task {row[0]} in row {index}", f"task {index}"
            remedy = "number the tasks from 0, without gaps"
            raise TrajpromptError(HERE / file, found, expected, remedy)
    table = np.array([[float(cell) for cell in row[1:]] for row in rows[1:]])
    table.setflags(write=False)
    return table


def all_but(count: int, left_out: tuple[int, ...]) -> tuple[int, ...]:
    """Tasks 0 to ``count`` - 1 except ``left_out``."""
    return tuple(task for task in range(count) if task not in left_out)
