"""Scripted experts: what one who knows the goals would do, one function per suite."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from trajprompt.collect.pick_place_expert import pick_place_actions
from trajprompt.errors import TrajpromptError
from trajprompt.tasks.point import STEP, on_stem
from trajprompt.tasks.simulator import Simulator

if TYPE_CHECKING:
    from trajprompt.tasks.reach import ReachSimulator

GAIN = 5.0  # metaworld/policies/sawyer_reach_v3_policy.py: move(..., p=5.0)


def reach_actions(simulator: "ReachSimulator", observations: np.ndarray) -> np.ndarray:
    """metaworld 3.1.1's ``SawyerReachV3Policy``: the hand moves towards the goal.

    The simulator is asked for the goal, which ``observations`` hide.
    """
    seen = simulator.expert_observations  # (N, 39)
    actions = np.zeros((len(seen), 4), np.float32)  # no grip
    actions[:, :3] = GAIN * (seen[:, 36:] - seen[:, :3])
    return actions


def point_actions(simulator: Simulator, observations: np.ndarray) -> np.ndarray:
    """At full speed up the stem to the fork, the origin, and from there to the goal.

    The last step to the fork ends on it.
    """
    goals = simulator.suite.goals[simulator.tasks]  # (N, 2)
    ways = np.where(on_stem(observations)[:, None], 0.0, goals) - observations
    lengths = np.sqrt(np.square(ways).sum(axis=1, keepdims=True))
    return (ways / np.maximum(lengths, STEP)).astype(np.float32)


# The suite's simulator and observations (N, S) -> actions (N, A), a fresh float32 array.
EXPERTS: dict[str, Callable[[Any, np.ndarray], np.ndarray]] = {
    "reach": reach_actions,
    "pick-place": pick_place_actions,
    "point-sparse": point_actions,
}


class ScriptedPolicy:
    """The expert of every row of a simulator, with Gaussian action noise."""

    def __init__(
        self,
        simulator: Simulator,
        noise: float = 0.0,
        generator: np.random.Generator | None = None,
    ):
        name = simulator.suite.name
        if name not in EXPERTS:
            known = f"suite {' or '.join(EXPERTS)}"
            raise TrajpromptError(name, "no scripted expert", known)
        if noise > 0 and generator is None:
            raise TrajpromptError("scripted policy", "noise without a generator", "both")
        self.expert, self.simulator = EXPERTS[name], simulator
        self.noise, self.generator = noise, generator

    def act(self, observations: np.ndarray) -> np.ndarray:
        """(N, A) float32 in [-1, 1]."""
        actions = self.expert(self.simulator, observations)
        if self.generator is not None:
            actions += self.generator.normal(0.0, self.noise, actions.shape)
        # Simulators clip as well; clipped here, the stored action is the one that acted.
        return np.clip(actions, -1.0, 1.0)

    def receive(self, rewards: np.ndarray) -> None:
        pass
