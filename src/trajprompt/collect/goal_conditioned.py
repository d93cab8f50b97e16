"""One agent for all cheetah tasks: the goal is an input, and every step teaches all goals.

The dynamics do not depend on the goal, so a transition collected for one goal is as good
for another once its reward is computed anew. That needs the velocity that the simulator
rewarded; it is solved for in the reward, because float32 observations round it.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from trajprompt.collect.perspective import VISIBLE, Transition, as_tensor
from trajprompt.collect.replay import Batch
from trajprompt.tasks.suites import Suite

CONTROL_WEIGHT = 0.05  # of the cheetah suites, mxu34/prompt-dt tp_envs/half_cheetah_*.py
TORSO_X, ROOT_VELOCITY = 17, 8  # places in the legacy observation
PHYSICS_STEP = 0.01  # seconds, of half_cheetah.xml


def direction_reward(velocity: Tensor, goal: Tensor) -> Tensor:
    """Before control cost: speed along the goal's sign."""
    return goal * velocity


def speed_reward(velocity: Tensor, goal: Tensor) -> Tensor:
    """Before control cost: minus the distance from the goal's speed."""
    return -(velocity - goal).abs()


def direction_velocity(gain: np.ndarray, goal: np.ndarray, rough: np.ndarray) -> np.ndarray:
    """The velocity (N,) that earned ``gain``, the reward before control cost."""
    return gain / goal


def speed_velocity(gain: np.ndarray, goal: np.ndarray, rough: np.ndarray) -> np.ndarray:
    """As above; of the two solutions goal -+ gain the one on the side of ``rough``."""
    return np.where(rough < goal, goal + gain, goal - gain)


RewardOf = Callable[[Tensor, Tensor], Tensor]
VelocityOf = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
GOAL_REWARDS: dict[str, tuple[RewardOf, VelocityOf]] = {
    "cheetah-dir": (direction_reward, direction_velocity),
    "cheetah-vel": (speed_reward, speed_velocity),
}


class GoalConditioned:
    """The goal as one more input; a share of each batch is relabelled to other goals."""

    stack = 1
    extra = 1  # the rewarded velocity

    def __init__(
        self,
        suite: Suite,
        row_tasks: np.ndarray,
        relabelled: float,  # share of each batch whose goal is drawn anew
        device: str,
        generator: torch.Generator,
    ):
        self.suite, self.relabelled, self.generator = suite, relabelled, generator
        self.generators = {"relabelling": generator}
        self.features = VISIBLE[suite.name]
        self.inputs = self.features + 1
        self.reward_of, self.velocity_of = GOAL_REWARDS[suite.name]
        self.row_goals = suite.goals[row_tasks, 0]
        goals = suite.goals[np.unique(row_tasks), 0]
        self.centre, self.spread = goals.mean(), goals.std() + 1e-6
        self.goals = as_tensor(goals, device)  # to draw from
        self.goals_by_row = as_tensor(self.row_goals, device)

    def look(self, observations: np.ndarray) -> np.ndarray:
        return observations[:, : self.features]

    def perform(self, actions: np.ndarray) -> np.ndarray:
        return actions

    def intend(self, actions: np.ndarray) -> np.ndarray:
        return actions

    def rewards(self, transition: Transition) -> np.ndarray:
        return transition.rewards

    def extras(self, transition: Transition) -> np.ndarray:
        gain = transition.rewards + control_cost(transition.actions)
        moved = position(transition.next_observations) - position(transition.observations)
        rough = moved / self.suite.dt
        return self.velocity_of(gain, self.row_goals, rough)[:, None]

    def acting(self, features: Tensor) -> Tensor:
        return self._with_goal(features, self.goals_by_row)[None]

    def learning(self, batch: Batch, extra: Tensor, rows: Tensor) -> Batch:
        drawn = torch.randint(
            len(self.goals), rows.shape, generator=self.generator, device=rows.device
        )
        goal = self.goals_by_row[rows]  # (1, B)
        count = round(self.relabelled * rows.shape[1])  # rows of a batch are in no order
        goal[:, :count] = self.goals[drawn[:, :count]]
        cost = CONTROL_WEIGHT * batch.actions.square().sum(-1)
        return Batch(
            self._with_goal(batch.features, goal),
            batch.actions,
            self.reward_of(extra[..., 0], goal) - cost,
            self._with_goal(batch.next_features, goal),
            batch.terminations,
        )

    def _with_goal(self, features: Tensor, goal: Tensor) -> Tensor:
        scaled = (goal - self.centre) / self.spread
        return torch.cat([features, scaled[..., None]], dim=-1)


def position(observations: np.ndarray) -> np.ndarray:
    """``qpos[0]`` (N,) of observations (N, 20), which hold it only one physics step late.

    MuJoCo's Euler step moves positions by the new velocity, so that the last step is
    known. (Right after a reset there is no delay: then this is off by about 1 mm.)
    """
    return observations[:, TORSO_X] + PHYSICS_STEP * observations[:, ROOT_VELOCITY]


def control_cost(actions: np.ndarray) -> np.ndarray:
    """0.05 |a|^2 of actions (N, A)."""
    return CONTROL_WEIGHT * np.square(actions.astype(np.float64)).sum(axis=1)
