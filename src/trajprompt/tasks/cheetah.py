"""Half-cheetah suites: run forward or backward, or at a given speed.

Goals and splits are those of mxu34/prompt-dt at 5f665e5, ``config/cheetah_dir`` and
``config/cheetah_vel``; stepping and control cost: locomotion.py.
"""

from typing import TYPE_CHECKING

import numpy as np

from trajprompt.tasks.locomotion import LocomotionSimulator
from trajprompt.tasks.suites import Relabelling, Suite, all_but, read_table

if TYPE_CHECKING:
    from torch import Tensor

CONTROL_WEIGHT = 0.05  # mxu34/prompt-dt tp_envs/half_cheetah_*.py
TORSO_X, ROOT_VELOCITY = 17, 8  # places in the legacy observation
PHYSICS_STEP = 0.01  # seconds, of half_cheetah.xml
# The legacy observation ends with the torso's position (x, y, z). Its absolute x says
# nothing about running and never repeats, y is 0 and z is position 0 again: agents see the
# 17 numbers of Gymnasium's HalfCheetah. The stores keep all 20.
VISIBLE = 17
CAMERA = "track"  # beside the torso; Gymnasium's model brings it


class CheetahSimulator(LocomotionSimulator):
    """Half-cheetah; its velocity is the change of ``qpos[0]``."""

    xml = "half_cheetah.xml"
    control_weight = CONTROL_WEIGHT

    def _progress(self) -> np.ndarray:
        return self._state[:, 0]

    def _observations(self) -> np.ndarray:
        # 8 positions without x, 9 velocities, torso position (with x): 20 numbers. As in
        # the reference the torso position is that of the last physics step's start.
        return self._state[:, 1:].astype(np.float32)


class CheetahDirection(CheetahSimulator):
    """Run forward or backward."""

    def _rewards(self, velocity: np.ndarray) -> np.ndarray:
        return self.suite.goals[self.tasks, 0] * velocity


class CheetahVelocity(CheetahSimulator):
    """Run at the goal's speed."""

    def _rewards(self, velocity: np.ndarray) -> np.ndarray:
        return -np.abs(velocity - self.suite.goals[self.tasks, 0])


def progress(observations: np.ndarray) -> np.ndarray:
    """``qpos[0]`` (N,) of observations (N, 20), which hold it only one physics step late.

    MuJoCo's Euler step moves positions by the new velocity, so that the last step is
    known. (Right after a reset there is no delay: then this is off by about 1 mm.)
    """
    return observations[:, TORSO_X] + PHYSICS_STEP * observations[:, ROOT_VELOCITY]


def direction_reward(velocity: "Tensor", goal: "Tensor") -> "Tensor":
    """Before control cost: speed along the goal's sign."""
    return goal * velocity


def speed_reward(velocity: "Tensor", goal: "Tensor") -> "Tensor":
    """Before control cost: minus the distance from the goal's speed."""
    return -(velocity - goal).abs()


def direction_velocity(gain: np.ndarray, goal: np.ndarray, rough: np.ndarray) -> np.ndarray:
    """The velocity (N,) that earned ``gain``, the reward before control cost."""
    return gain / goal


def speed_velocity(gain: np.ndarray, goal: np.ndarray, rough: np.ndarray) -> np.ndarray:
    """As above; of the two solutions goal -+ gain the one on the side of ``rough``."""
    return np.where(rough < goal, goal + gain, goal - gain)


def direction_words(goal: np.ndarray) -> str:
    return "run forwards" if goal[0] > 0 else "run backwards"


def speed_words(goal: np.ndarray) -> str:
    return f"run forwards at {goal[0]:.3g} m/s"


CHEETAH_DIR = Suite(
    name="cheetah-dir",
    label="Cheetah-dir",
    words=direction_words,
    simulator=CheetahDirection,
    state_dim=20,
    action_dim=6,
    horizon=200,
    dt=0.05,
    goals=read_table("cheetah_dir.csv"),
    goal_unit="1",
    table="cheetah_dir.csv",
    train_tasks=(0, 1),  # cheetah_dir_2.json: train and test tasks are the same two
    test_tasks=(0, 1),
    target_return=1500,  # PTDT Table 6
    return_scale=1000,  # the scale of Prompt-DT's code (PDT)
    visible=VISIBLE,
    relabelling=Relabelling(direction_reward, direction_velocity, progress, CONTROL_WEIGHT),
    camera=CAMERA,
)

SPEED_TEST = (2, 7, 15, 23, 26)  # cheetah_vel_40.json; PTDT Table 5
CHEETAH_VEL = Suite(
    name="cheetah-vel",
    label="Cheetah-vel",
    words=speed_words,
    simulator=CheetahVelocity,
    state_dim=20,
    action_dim=6,
    horizon=200,
    dt=0.05,
    goals=read_table("cheetah_vel.csv"),
    goal_unit="m/s",
    table="cheetah_vel.csv",
    train_tasks=all_but(40, SPEED_TEST),
    test_tasks=SPEED_TEST,
    target_return=0,  # PTDT Table 6
    return_scale=500,  # PDT
    visible=VISIBLE,
    relabelling=Relabelling(speed_reward, speed_velocity, progress, CONTROL_WEIGHT),
    camera=CAMERA,
)

SUITES = (CHEETAH_DIR, CHEETAH_VEL)
