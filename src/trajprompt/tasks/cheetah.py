"""Half-cheetah suites: run forward or backward, or at a given speed.

Goals and splits follow mxu34/prompt-dt at 5f665e5, ``config/cheetah_dir`` and
``config/cheetah_vel``; those of cheetah-vel-100 follow FOCAL (arXiv 2010.01112), whose
Half-Cheetah-Fwd-Back is cheetah-dir. Stepping and control cost are in locomotion.py.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from trajprompt.tasks.locomotion import LocomotionSimulator
from trajprompt.tasks.suites import Relabelling, Suite, all_but, read_table

if TYPE_CHECKING:
    from torch import Tensor

CONTROL_WEIGHT = 0.05  # mxu34/prompt-dt tp_envs/half_cheetah_*.py
TORSO_X, ROOT_VELOCITY = 17, 8  # columns of the legacy observation
PHYSICS_STEP = 0.01  # seconds, from half_cheetah.xml
# The legacy observation ends with the torso's position (x, y, z). Absolute x is irrelevant
# to running and never repeats, y is 0, and z repeats position 0. Agents see the 17 elements
# of Gymnasium's HalfCheetah. The stores keep all 20.
VISIBLE = 17
CAMERA = "track"  # beside the torso; part of Gymnasium's model


class CheetahSimulator(LocomotionSimulator):
    """Half-cheetah; its velocity is the rate of change of ``qpos[0]``."""

    xml = "half_cheetah.xml"
    control_weight = CONTROL_WEIGHT

    def _progress(self) -> np.ndarray:
        return self._state[:, 0]

    def _observations(self) -> np.ndarray:
        # 8 positions without x, 9 velocities, torso position (with x): 20 elements. As in
        # the reference, the torso position is from the start of the last physics step.
        return self._state[:, 1:].astype(np.float32)


class CheetahDirection(CheetahSimulator):
    """Half-cheetah that runs forward or backward."""

    def _rewards(self, velocity: np.ndarray) -> np.ndarray:
        return self.suite.goals[self.tasks, 0] * velocity


class CheetahVelocity(CheetahSimulator):
    """Half-cheetah that runs at the goal's speed."""

    def _rewards(self, velocity: np.ndarray) -> np.ndarray:
        return -np.abs(velocity - self.suite.goals[self.tasks, 0])


def progress(observations: np.ndarray) -> np.ndarray:
    """``qpos[0]`` (N,) from observations (N, 20), which contain it one physics step late.

    MuJoCo's Euler step moves positions by the new velocity, so the missing step is known.
    (After a reset there is no delay; the result is then off by about 1 mm.)
    """
    return observations[:, TORSO_X] + PHYSICS_STEP * observations[:, ROOT_VELOCITY]


def direction_reward(velocity: "Tensor", goal: "Tensor") -> "Tensor":
    """Reward before control cost: velocity in the goal's direction."""
    return goal * velocity


def speed_reward(velocity: "Tensor", goal: "Tensor") -> "Tensor":
    """Reward before control cost: minus the distance from the goal's speed."""
    return -(velocity - goal).abs()


def direction_velocity(gain: np.ndarray, goal: np.ndarray, rough: np.ndarray) -> np.ndarray:
    """Velocity (N,) whose reward before control cost is ``gain``."""
    return gain / goal


def speed_velocity(gain: np.ndarray, goal: np.ndarray, rough: np.ndarray) -> np.ndarray:
    """Velocity (N,) as above: of goal -+ gain, the solution on the side of ``rough``."""
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

# Half-Cheetah-Vel of FOCAL: other speeds, with the reward, horizon and 20 observations of
# cheetah-vel. Speeds have the same range, so returns have the same target and scale.
CHEETAH_VEL_100 = replace(
    CHEETAH_VEL,
    name="cheetah-vel-100",
    label="Cheetah-vel-100",
    goals=read_table("cheetah_vel_100.csv"),
    table="cheetah_vel_100.csv",
    train_tasks=tuple(range(80)),
    test_tasks=tuple(range(80, 100)),
)

SUITES = (CHEETAH_DIR, CHEETAH_VEL, CHEETAH_VEL_100)
