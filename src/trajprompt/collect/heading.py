"""One agent for all ant directions: the world is turned until every goal is "run to +x".

The ant's dynamics and reset noise of its joints do not change when the whole world turns
about the vertical axis, so a state seen from a frame turned by the goal's angle makes all
directions one task. Turned are the root's orientation and its velocity; joint angles,
joint velocities and the root's angular velocity (which MuJoCo gives in the body's own
frame) stay.
"""

import numpy as np
from torch import Tensor

from trajprompt.collect.perspective import VISIBLE, Transition
from trajprompt.collect.replay import Batch
from trajprompt.tasks.suites import Suite

QUATERNION = slice(1, 5)  # of the root: w, x, y, z
VELOCITY = slice(13, 15)  # of the root: x, y
SURVIVE = 1.0  # paid for every step, even a step on which the ant stands still


class CanonicalHeading:
    """Sees each row in a frame turned by minus its goal's angle."""

    stack = 1
    extra = 0

    def __init__(self, suite: Suite, row_tasks: np.ndarray):
        self.features = self.inputs = VISIBLE[suite.name]
        self.angles = suite.goals[row_tasks, 0]

    def look(self, observations: np.ndarray) -> np.ndarray:
        return turn(observations, -self.angles)

    def rewards(self, transition: Transition) -> np.ndarray:
        # The constant bonus teaches an agent to stand still first (measured: half the
        # return after equal updates). The stores keep the true reward.
        return transition.rewards - SURVIVE

    def extras(self, transition: Transition) -> np.ndarray:
        return np.empty((len(transition.rewards), 0), dtype=np.float32)

    def acting(self, features: Tensor) -> Tensor:
        return features[None]

    def learning(self, batch: Batch, extra: Tensor, rows: Tensor) -> Batch:
        return batch


def turn(observations: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Ant observations (N, 27) after turning the world by ``angles`` (N,) radians."""
    wrapped = (angles + np.pi) % (2 * np.pi) - np.pi  # so that equal turns look equal
    turned = observations.copy()
    c, s = np.cos(wrapped / 2), np.sin(wrapped / 2)
    w, x, y, z = observations[:, QUATERNION].T
    turned[:, QUATERNION] = np.stack(
        [c * w - s * z, c * x - s * y, c * y + s * x, c * z + s * w], axis=1
    )
    c, s = np.cos(wrapped), np.sin(wrapped)
    vx, vy = observations[:, VELOCITY].T
    turned[:, VELOCITY] = np.stack([c * vx - s * vy, s * vx + c * vy], axis=1)
    return turned
