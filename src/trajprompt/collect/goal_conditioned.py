"""One agent for all tasks: the goal is an input, and every step teaches all goals.

The dynamics do not depend on the goal, so a transition collected for one goal is as good
for another once its reward is recomputed. How, the suite says (`suites.Relabelling`).
"""

import numpy as np
import torch
from torch import Tensor

from trajprompt.collect.perspective import Transition, as_tensor
from trajprompt.collect.replay import Batch
from trajprompt.tasks.suites import Relabelling, Suite


class GoalConditioned:
    """The goal as one more input; a share of each batch is relabelled to other goals."""

    stack = 1
    extra = 1  # the rewarded velocity

    def __init__(
        self,
        suite: Suite,
        relabelling: Relabelling,
        row_tasks: np.ndarray,
        relabelled: float,  # share of each batch that gets another goal
        device: str,
        generator: torch.Generator,
    ):
        self.suite, self.relabelling = suite, relabelling
        self.relabelled, self.generator = relabelled, generator
        self.generators = {"relabelling": generator}
        self.features = suite.visible_dim
        self.inputs = self.features + 1
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
        known = self.relabelling
        squares = np.square(transition.actions.astype(np.float64)).sum(axis=1)
        gain = transition.rewards + known.control_weight * squares
        after, before = transition.next_observations, transition.observations
        rough = (known.progress(after) - known.progress(before)) / self.suite.dt
        return known.velocity(gain, self.row_goals, rough)[:, None]

    def acting(self, features: Tensor) -> Tensor:
        return self._with_goal(features, self.goals_by_row)[None]

    def learning(self, batch: Batch, extra: Tensor, rows: Tensor) -> Batch:
        drawn = torch.randint(
            len(self.goals), rows.shape, generator=self.generator, device=rows.device
        )
        goal = self.goals_by_row[rows]  # (1, B)
        count = round(self.relabelled * rows.shape[1])  # rows of a batch are in no order
        goal[:, :count] = self.goals[drawn[:, :count]]
        cost = self.relabelling.control_weight * batch.actions.square().sum(-1)
        return Batch(
            self._with_goal(batch.features, goal),
            batch.actions,
            self.relabelling.reward(extra[..., 0], goal) - cost,
            self._with_goal(batch.next_features, goal),
            batch.terminations,
        )

    def _with_goal(self, features: Tensor, goal: Tensor) -> Tensor:
        scaled = (goal - self.centre) / self.spread
        return torch.cat([features, scaled[..., None]], dim=-1)
