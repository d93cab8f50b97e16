"""One agent for all tasks of a suite with a symmetry: each row is seen so that its goal is
that of all others (`suites.Symmetry`).
"""

from collections.abc import Callable

import numpy as np
from torch import Generator, Tensor

from trajprompt.collect.perspective import Transition
from trajprompt.collect.replay import Batch
from trajprompt.tasks.suites import Suite, Symmetry


class Canonical:
    """The view of a symmetry; acts for the simulator's true rows."""

    stack = 1
    extra = 0

    def __init__(
        self,
        suite: Suite,
        symmetry: Callable[[np.ndarray], Symmetry],
        row_tasks: np.ndarray,
        discount: float,
    ):
        self.symmetry = symmetry(suite.goals[row_tasks])
        self.death = self.symmetry.survive / (1 - discount)
        self.features = self.inputs = suite.state_dim
        self.generators: dict[str, Generator] = {}

    def look(self, observations: np.ndarray) -> np.ndarray:
        return self.symmetry.look(observations)

    def perform(self, actions: np.ndarray) -> np.ndarray:
        return self.symmetry.perform(actions)

    def intend(self, actions: np.ndarray) -> np.ndarray:
        return self.symmetry.intend(actions)

    def rewards(self, transition: Transition) -> np.ndarray:
        # The constant bonus is taken out, so that the critics need not learn a large
        # constant first, and death is charged for the bonus that it forgoes: without the
        # charge an ant whose rewards are still negative gains by falling. (A charge of
        # discount * death would be the same problem exactly; this is one bonus more.)
        # The stores keep the true reward.
        survive = self.symmetry.survive
        return transition.rewards - survive - self.death * transition.terminations

    def extras(self, transition: Transition) -> np.ndarray:
        return np.empty((len(transition.rewards), 0), dtype=np.float32)

    def acting(self, features: Tensor) -> Tensor:
        return features[None]

    def learning(self, batch: Batch, extra: Tensor, rows: Tensor) -> Batch:
        return batch
