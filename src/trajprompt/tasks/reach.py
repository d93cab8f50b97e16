"""Meta-World's reach-v3 in a batch, bit-equal to its environment stepped alone.

Reward (version v2) and success follow metaworld 3.1.1's ``SawyerReachEnvV3``.
"""

import numpy as np

from trajprompt.tasks.sawyer import HAND_HOME, SawyerSimulator, norms
from trajprompt.tasks.suites import Suite

TARGET_RADIUS = 0.05  # metres; also the threshold of success


class ReachSimulator(SawyerSimulator):
    """Rows of reach-v3: the hand is to be at the goal; the object does not matter."""

    xml = "sawyer_reach_v3.xml"
    table = "reach.csv"

    def __init__(self, suite: Suite, tasks: np.ndarray, threads: int = 1):
        super().__init__(suite, tasks, threads)
        self._margins = norms(HAND_HOME - self.goals)  # (N,)

    def _rewards(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Reward v2: 10 in the target's radius, with a long tail outside; and success."""
        distance = norms(self._fingers() - self.goals)  # (N,)
        inside = distance <= TARGET_RADIUS
        excess = (distance - TARGET_RADIUS) / self._margins
        tail = 1 / ((excess * np.sqrt(1 / 0.1 - 1)) ** 2 + 1)  # 0.1 at one margin away
        return 10 * np.where(inside, 1.0, tail), inside
