"""One agent for all ant directions: each row is seen so that its goal is "run to +x".

Two exact symmetries of the ant (both tested against the simulator) make all directions
one task. The world may turn about the vertical axis: the goal's direction becomes +x. The
body is the same after a quarter turn if its legs are renamed: of the four ways to name
them the one is taken whose front looks towards the goal at the start, within 45 degrees,
so that one gait in one direction is all there is to learn.
"""

import numpy as np
from torch import Generator, Tensor

from trajprompt.collect.perspective import VISIBLE, Transition
from trajprompt.collect.replay import Batch
from trajprompt.tasks.suites import Suite

# Places in the legacy observation.
QUATERNION = slice(1, 5)  # of the root: w, x, y, z
JOINTS = slice(5, 13)  # hip 1, ankle 1, hip 2, … ankle 4; leg 1 is the front left one
VELOCITY = slice(13, 15)  # of the root: x, y, in the world's frame
SPIN = slice(16, 18)  # of the root: x, y, in the body's own frame
JOINT_SPEEDS = slice(19, 27)
FIRST_ACTUATED_LEG = 3  # actions are hip 4, ankle 4, hip 1, … ankle 3 (ant.xml)
# The ankles of legs 2 and 3 bend with negative angles (ant.xml, joint ranges).
ANKLE_SIGNS = np.array([1.0, -1.0, -1.0, 1.0])
SURVIVE = 1.0  # paid for every step, even a step on which the ant stands still


class CanonicalHeading:
    """Sees rows turned and their legs renamed; gives actions for the legs' true names."""

    stack = 1
    extra = 0

    def __init__(self, suite: Suite, row_tasks: np.ndarray, discount: float):
        self.death = SURVIVE / (1 - discount)
        self.features = self.inputs = VISIBLE[suite.name]
        self.generators: dict[str, Generator] = {}
        self.angles = suite.goals[row_tasks, 0]
        self.quarters = np.rint(self.angles / (np.pi / 2)).astype(int) % 4

    def look(self, observations: np.ndarray) -> np.ndarray:
        return rename_legs(turn(observations, -self.angles), self.quarters)

    def perform(self, actions: np.ndarray) -> np.ndarray:
        return permute(actions, -self.quarters, FIRST_ACTUATED_LEG)

    def intend(self, actions: np.ndarray) -> np.ndarray:
        return permute(actions, self.quarters, FIRST_ACTUATED_LEG)

    def rewards(self, transition: Transition) -> np.ndarray:
        # The constant bonus is taken out, so that the critics need not learn a large
        # constant first, and death is charged for the bonus that it forgoes: without the
        # charge an ant whose rewards are still negative gains by falling. (A charge of
        # discount * death would be the same problem exactly; this is one bonus more.)
        # The stores keep the true reward.
        return transition.rewards - SURVIVE - self.death * transition.terminations

    def extras(self, transition: Transition) -> np.ndarray:
        return np.empty((len(transition.rewards), 0), dtype=np.float32)

    def acting(self, features: Tensor) -> Tensor:
        return features[None]

    def learning(self, batch: Batch, extra: Tensor, rows: Tensor) -> Batch:
        return batch


def turn(observations: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Ant observations (N, 27) after turning the world by ``angles`` (N,) radians."""
    turned = observations.copy()
    about = _vertical(angles)
    turned[:, QUATERNION] = _product(about, observations[:, QUATERNION])
    turned[:, VELOCITY] = _rotate(observations[:, VELOCITY], angles)
    return turned


def rename_legs(observations: np.ndarray, quarters: np.ndarray) -> np.ndarray:
    """Observations (N, 27) of the same ants, fronts ``quarters`` turns further left."""
    renamed = observations.copy()
    angles = quarters * (np.pi / 2)
    about = _vertical(angles)
    renamed[:, QUATERNION] = _product(observations[:, QUATERNION], about)
    renamed[:, SPIN] = _rotate(observations[:, SPIN], -angles)
    for part in (JOINTS, JOINT_SPEEDS):
        renamed[:, part] = permute(observations[:, part], quarters, first=0)
    # q and -q are one orientation; heads point to the goal at first, so that w > 0.
    renamed[:, QUATERNION] *= np.where(renamed[:, QUATERNION.start] < 0, -1.0, 1.0)[:, None]
    return renamed


def permute(numbers: np.ndarray, quarters: np.ndarray, first: int) -> np.ndarray:
    """(hip, ankle) x 4 numbers (N, 8), starting at leg ``first``, for renamed legs."""
    legs = (np.arange(4) + first) % 4  # the leg of each pair of columns
    own = (legs + quarters[:, None]) % 4  # (N, 4): which leg now has that name
    columns = 2 * ((own - first) % 4)
    permuted = np.empty_like(numbers)
    permuted[:, 0::2] = np.take_along_axis(numbers, columns, axis=1)
    signs = ANKLE_SIGNS[legs] * ANKLE_SIGNS[own]
    permuted[:, 1::2] = signs * np.take_along_axis(numbers, columns + 1, axis=1)
    return permuted


def _vertical(angles: np.ndarray) -> np.ndarray:
    """Quaternions (N, 4) of turns about the vertical axis."""
    zero = np.zeros(len(angles))
    return np.stack([np.cos(angles / 2), zero, zero, np.sin(angles / 2)], axis=1)


def _product(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Hamilton products of quaternions (N, 4)."""
    a, b, c, d = left.T
    w, x, y, z = right.T
    return np.stack(
        [
            a * w - b * x - c * y - d * z,
            a * x + b * w + c * z - d * y,
            a * y - b * z + c * w + d * x,
            a * z + b * y - c * x + d * w,
        ],
        axis=1,
    )


def _rotate(vectors: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Plane vectors (N, 2) turned by ``angles`` (N,)."""
    c, s = np.cos(angles), np.sin(angles)
    x, y = vectors.T
    return np.stack([c * x - s * y, s * x + c * y], axis=1)
