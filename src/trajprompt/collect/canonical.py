"""One agent for all tasks of a suite with a symmetry.

Observations are transformed so that all rows have the same goal (`suites.Symmetry`).
"""

from collections.abc import Callable

import numpy as np
from torch import Generator, Tensor

from trajprompt.collect.perspective import Transition
from trajprompt.collect.replay import Batch
from trajprompt.tasks.suites import Suite, Symmetry


class Canonical:
    """Perspective of a symmetry: the agent sees and acts in transformed rows."""

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
        self.penalty = self.symmetry.survive / (1 - discount)
        self.features = self.inputs = suite.state_dim
        self.generators: dict[str, Generator] = {}

    def observe(self, observations: np.ndarray) -> np.ndarray:
        return self.symmetry.observe(observations)

    def to_simulator(self, actions: np.ndarray) -> np.ndarray:
        return self.symmetry.to_simulator(actions)

    def to_agent(self, actions: np.ndarray) -> np.ndarray:
        return self.symmetry.to_agent(actions)

    def rewards(self, transition: Transition) -> np.ndarray:
        # The constant bonus is subtracted, so that the critics need not learn a large
        # constant first. Termination costs the bonuses that it forgoes: otherwise an ant
        # whose rewards are still negative gains by falling. (A penalty of discount times
        # this one would give exactly the original problem; this is one bonus more.) The
        # stores contain the true reward.
        survive = self.symmetry.survive
        return transition.rewards - survive - self.penalty * transition.terminations

    def extras(self, transition: Transition) -> np.ndarray:
        return np.empty((len(transition.rewards), 0), dtype=np.float32)

    def policy_inputs(self, features: Tensor) -> Tensor:
        return features[None]

    def training_batch(self, batch: Batch, extra: Tensor, rows: Tensor) -> Batch:
        return batch
