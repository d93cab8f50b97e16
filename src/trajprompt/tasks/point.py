"""The bandit papers' sparse 2D tasks, reconstructed: a point, a fork and eight goals.

The papers (arXiv 2502.04979, 2502.06358) state what is earned there and nothing else: at
best 10, by an untuned prompt 0, 6 or 8 with one, two or four segments. So most goals
punish, and most segments of a demonstration do not tell the goal. Here a point starts
at the foot of a stem, and the goals lie on a half circle around the fork at its top. What
a demonstration shows of the stem is alike in all tasks. Everything else is our choice too.
"""

import numpy as np

from trajprompt.tasks.simulator import Simulator, Step
from trajprompt.tasks.suites import Suite, read_table

# Stem and branches are 1.5 and 1 long, so that 43 % of an expert's windows of 5 steps tell
# the goal. If the others make a policy pick a goal at random, a prompt of one such window
# earns 0.43 * 10 + 0.57 * (10 - 7 * 10) / 8 = 0.0, of two 4.3, of four 8.2.
START = np.array([0.0, -1.5])
START_NOISE = 0.1  # of both coordinates, uniform
STEP = 0.1  # length of an action of 1
# A disc nearly touches the next one (0.195): who walks between two goals meets one of them.
RADIUS = 0.18
PRIZE = 10.0  # at the task's goal; minus as much at any other
STEP_COST = 0.005  # 0.12 for the way, so that the best return prints as the papers' 9.9


class PointSimulator(Simulator):
    """Rows of points. The world has no walls; observations are positions."""

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
        """(N, goals) bool: whose disc a point is in. Discs do not overlap."""
        offsets = self._positions[:, None] - self.suite.goals  # (N, goals, 2)
        return np.square(offsets).sum(axis=2) < RADIUS**2

    def _observations(self) -> np.ndarray:
        return self._positions.astype(np.float32)


def on_stem(positions: np.ndarray) -> np.ndarray:
    """(N,) bool: which of ``positions`` (N, 2) lie below the fork, rather than beside it.

    A fifth of a step counts as there: the fork is rarely hit to the last bit.
    """
    return positions[:, 1] < -np.abs(positions[:, 0]) - 0.2 * STEP


def expert(simulator: PointSimulator, observations: np.ndarray) -> np.ndarray:
    """At full speed up the stem to the fork, the origin, and from there to the goal.

    The last step to the fork ends on it.
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
