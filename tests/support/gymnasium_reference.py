"""Gymnasium environments and the rewards that tasks define on them."""

import numpy as np
from gymnasium.envs.mujoco.ant_v5 import AntEnv
from gymnasium.envs.mujoco.half_cheetah_v5 import HalfCheetahEnv


def gymnasium_environments(suite, rows):
    kind = AntEnv if suite.name.startswith("ant") else HalfCheetahEnv
    return [kind() for _ in range(rows)]


def legacy_observation(environment):
    data = environment.data
    if isinstance(environment, AntEnv):
        return np.concatenate([data.qpos[2:], data.qvel]).astype(np.float32)
    torso = environment.get_body_com("torso")
    return np.concatenate([data.qpos[1:], data.qvel, torso]).astype(np.float32)


def place(environment):
    """Position whose velocity is rewarded: torso x, y for ant, joint x for cheetah."""
    if isinstance(environment, AntEnv):
        return environment.get_body_com("torso")[:2].copy()
    return environment.data.qpos[:1].copy()


def expected_reward(suite, task, before, after, action):
    velocity, goal = (after - before) / suite.dt, suite.goals[task, 0]
    squares = float(np.sum(action.astype(np.float64) ** 2))
    if suite.name.startswith("ant"):
        towards = velocity[0] * np.cos(goal) + velocity[1] * np.sin(goal)
        return towards - 0.5 * squares + 1.0
    if suite.name == "cheetah-dir":
        return goal * velocity[0] - 0.05 * squares
    return -abs(velocity[0] - goal) - 0.05 * squares
