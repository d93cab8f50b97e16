"""The bandit papers' sparse 2D tasks, reconstructed: a point, a fork and eight goals.

The papers (arXiv 2502.04979, 2502.06358) state only returns: at best 10, and for an untuned
prompt 0, 6 or 8 with one, two or four segments. So most goals must be penalised, and most
segments of a demonstration must not reveal the goal. Here a point starts at the foot of a
stem, and the goals are on a half circle around the fork at its top. On the stem, the
demonstrations of all tasks are equal. Everything else is also our choice.
"""

import numpy as np

from trajprompt.tasks.simulator import Simulator, Step
from trajprompt.tasks.suites import Suite, read_table

# The stem is 1.5 long and a branch 1, so 43 % of an expert's windows of 5 steps reveal the
# goal. If a policy picks a random goal for the other windows, the return of a prompt of one
# window is 0.43 * 10 + 0.57 * (10 - 7 * 10) / 8 = 0.0, of two 4.3, of four 8.2.
START = np.array([0.0, -1.5])
START_NOISE = 0.1  # of both coordinates, uniform
STEP = 0.1  # distance of an action of 1
# Discs nearly touch (at 0.195), so a path between two goals meets one of them.
RADIUS = 0.18
PRIZE = 10.0  # reward at the task's goal; -PRIZE at any other
STEP_COST = 0.005  # 0.12 in total, so the best return prints as the papers' 9.9


class PointSimulator(Simulator):
    """Rows of points in a plane without walls; observations are positions."""

    arrays = ("_positions", "_ended")

    def __init__(self, suite: Suite, tasks: np.ndarray, threads: int = 1):
        super().__init__(suite, tasks, threads)
        self._positions = np.zeros((self.rows, 2))
        self._ended = np.zeros(self.rows, dtype=bool)

    def reset(self, seeds: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        which = np.arange(self.rows) if rows is None else np.flatnonzero(rows)
        for row in which.tolist():
            generator = np.random.default_rng(int(seeds[row]))
            self._positions[row] = START + generator.uniform(-START_NOISE, START_NOISE, 2)
        self._ended[which] = False
        return self._observations()

    def step(self, actions: np.ndarray) -> Step:
        running = ~self._ended
        moves = STEP * np.clip(np.asarray(actions, np.float64), -1.0, 1.0)  # (N, 2)
        self._positions[running] += moves[running]
        entered = self._inside() & running[:, None]  # (N, goals)
        ends = entered.any(axis=1)
        successes = entered[np.arange(self.rows), self.tasks]
        rewards = ends * np.where(successes, PRIZE, -PRIZE) - STEP_COST * running
        self._ended |= ends
        return Step(self._observations(), rewards, self._ended.copy(), successes)

    def _inside(self) -> np.ndarray:
        """Mask (N, goals) of the disc that contains a point. Discs do not overlap."""
        offsets = self._positions[:, None] - self.suite.goals  # (N, goals, 2)
        return np.square(offsets).sum(axis=2) < RADIUS**2

    def _observations(self) -> np.ndarray:
        return self._positions.astype(np.float32)


def on_stem(positions: np.ndarray) -> np.ndarray:
    """Mask (N,) of the ``positions`` (N, 2) that are below the fork, not beside it.

    Within a fifth of a step the fork counts as reached: it is rarely hit exactly.
    """
    return positions[:, 1] < -np.abs(positions[:, 0]) - 0.2 * STEP


def expert(simulator: PointSimulator, observations: np.ndarray) -> np.ndarray:
    """Actions (N, 2) at full speed up the stem to the fork, the origin, then to the goal.

    The last step to the fork ends exactly on it.
    """
    goals = simulator.suite.goals[simulator.tasks]  # (N, 2)
    ways = np.where(on_stem(observations)[:, None], 0.0, goals) - observations
    lengths = np.sqrt(np.square(ways).sum(axis=1, keepdims=True))
    return (ways / np.maximum(lengths, STEP)).astype(np.float32)


def words(goal: np.ndarray) -> str:
    return f"walk to ({goal[0]:.2f}, {goal[1]:.2f})"


POINT_SPARSE = Suite(
    name="point-sparse",
    label="Sparse 2D",
    words=words,
    simulator=PointSimulator,
    state_dim=2,
    action_dim=2,
    # Not stated. The scripted expert needs 25 steps; a policy that misses its goal has
    # time to run into another one.
    horizon=60,
    dt=0.1,
    goals=read_table("point_sparse.csv"),
    goal_unit="1",
    table="point_sparse.csv",
    # "In distribution": every task is trained on, as in the bandit papers' sparse 2D table.
    train_tasks=tuple(range(8)),
    test_tasks=tuple(range(8)),
    # Both: the best return of the bandit papers' sparse 2D tasks.
    target_return=10,
    return_scale=10,
    expert=expert,
)

SUITES = (POINT_SPARSE,)
