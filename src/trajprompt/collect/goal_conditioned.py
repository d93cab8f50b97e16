"""One agent for all tasks: the goal is an input, and transitions are relabelled.

The dynamics do not depend on the goal. A transition collected for one goal is therefore
valid for any other, with a recomputed reward. The suite defines how (`suites.Relabelling`).
"""

import numpy as np
import torch
from torch import Tensor

from trajprompt.collect.perspective import Transition, as_tensor
from trajprompt.collect.replay import Batch
from trajprompt.tasks.suites import Relabelling, Suite


class GoalConditioned:
    """Perspective with the goal as an input; part of each batch gets other goals."""

    stack = 1
    extra = 1  # the velocity that the reward depends on

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
        self.goals = as_tensor(goals, device)  # of the tasks, for relabelling
        self.goals_by_row = as_tensor(self.row_goals, device)

    def observe(self, observations: np.ndarray) -> np.ndarray:
        return observations[:, : self.features]

    def to_simulator(self, actions: np.ndarray) -> np.ndarray:
        return actions

    def to_agent(self, actions: np.ndarray) -> np.ndarray:
        return actions

    def rewards(self, transition: Transition) -> np.ndarray:
        return transition.rewards

    def extras(self, transition: Transition) -> np.ndarray:
        relabelling = self.relabelling
        squares = np.square(transition.actions.astype(np.float64)).sum(axis=1)
        gain = transition.rewards + relabelling.control_weight * squares
        after, before = transition.next_observations, transition.observations
        progress = relabelling.progress(after) - relabelling.progress(before)
        rough = progress / self.suite.dt
        return relabelling.velocity(gain, self.row_goals, rough)[:, None]

    def policy_inputs(self, features: Tensor) -> Tensor:
        return self._with_goal(features, self.goals_by_row)[None]

    def training_batch(self, batch: Batch, extra: Tensor, rows: Tensor) -> Batch:
        drawn = torch.randint(
            len(self.goals), rows.shape, generator=self.generator, device=rows.device
        )
        goal = self.goals_by_row[rows]  # (1, B)
        count = round(self.relabelled * rows.shape[1])  # batch rows are in random order
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
