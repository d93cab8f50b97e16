"""A point that walks to a fixed goal in a wind, which differs between tasks.

Point-Robot-Wind of FOCAL (arXiv 2010.01112), ``rlkit/envs/point_robot.py`` of
LanqingLi1993/FOCAL-ICLR: the wind shifts the point at every step, and the reward is minus
the distance to the goal after the step. An action of 1 moves the point by 0.1, the bound of
FOCAL's actions. The winds are FOCAL's. Its 10 test tasks are other ones in every run; here
they are the last 10.
"""

import numpy as np

from trajprompt.tasks.simulator import Simulator, Step
from trajprompt.tasks.suites import Suite, read_table

GOAL = np.array([1.0, 0.0])
STEP = 0.1  # distance of an action of 1, along each axis


class WindSimulator(Simulator):
    """Rows of points in a plane that start at the origin; observations are positions."""

    arrays = ("_positions",)

    def __init__(self, suite: Suite, tasks: np.ndarray, threads: int = 1):
        super().__init__(suite, tasks, threads)
        self.winds = suite.goals[self.tasks]  # (N, 2), shift per step
        self._positions = np.zeros((self.rows, 2))

    def reset(self, seeds: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        which = np.arange(self.rows) if rows is None else np.flatnonzero(rows)
        self._positions[which] = 0.0
        if self.suite.varied_starts:
            most = self.suite.start_shift
            for row in which.tolist():
                generator = np.random.default_rng(int(seeds[row]))
                self._positions[row] = generator.uniform(-most, most, 2)
        return self._observations()

    def step(self, actions: np.ndarray) -> Step:
        moves = STEP * np.clip(np.asarray(actions, np.float64), -1.0, 1.0)  # (N, 2)
        self._positions += moves + self.winds
        away = np.sqrt(np.square(self._positions - GOAL).sum(axis=1))
        never = np.zeros(self.rows, dtype=bool)
        return Step(self._observations(), -away, never, never.copy())

    def _observations(self) -> np.ndarray:
        return self._positions.astype(np.float32)


def expert(simulator: WindSimulator, observations: np.ndarray) -> np.ndarray:
    """Actions (N, 2) that end on the goal after the wind, or as near as a step allows."""
    moves = GOAL - observations - simulator.winds
    return np.clip(moves / STEP, -1.0, 1.0).astype(np.float32)


def words(goal: np.ndarray) -> str:
    return f"walk to (1, 0) in a wind of ({goal[0]:.3f}, {goal[1]:.3f})"


POINT_WIND = Suite(
    name="point-wind",
    label="Point-wind",
    words=words,
    simulator=WindSimulator,
    state_dim=2,
    action_dim=2,
    horizon=20,  # FOCAL's paper; its configuration has 25
    dt=0.1,
    deterministic_resets=True,
    start_shift=0.1,  # a step of a point
    goals=read_table("point_wind.csv"),
    goal_unit="1",
    table="point_wind.csv",
    train_tasks=tuple(range(40)),
    test_tasks=tuple(range(40, 50)),
    # The expert's mean return is -5.1 over all tasks, its best one -2.9. Staying in place
    # without wind gives -20.
    target_return=-3,
    return_scale=10,
    expert=expert,
)

SUITES = (POINT_WIND,)
