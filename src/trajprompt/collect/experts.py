"""Scripted expert of a suite as a policy; the experts are in ``tasks/``."""

import numpy as np

from trajprompt.errors import TrajpromptError
from trajprompt.tasks.registry import suites_with_expert
from trajprompt.tasks.simulator import Simulator


class ScriptedPolicy:
    """Scripted expert for every row of a simulator, with Gaussian action noise.

    Raises TrajpromptError if the suite has no scripted expert.
    """

    def __init__(
        self,
        simulator: Simulator,
        noise: float = 0.0,
        generator: np.random.Generator | None = None,
    ):
        if simulator.suite.expert is None:
            where, known = f"suite {simulator.suite.name}", suites_with_expert()
            expected = f"one of the suites with a scripted expert: {', '.join(known)}"
            remedy = "choose one of these suites, or another policy or algorithm"
            raise TrajpromptError(where, "found no scripted expert", expected, remedy)
        if noise > 0 and generator is None:
            raise TrajpromptError(
                "ScriptedPolicy",
                "found noise without a generator",
                "a generator, from which the noise is drawn",
                "pass a generator, or set noise to 0",
            )
        self.expert, self.simulator = simulator.suite.expert, simulator
        self.noise, self.generator = noise, generator

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Actions (N, A), float32 in [-1, 1]."""
        actions = self.expert(self.simulator, observations)
        if self.generator is not None:
            actions += self.generator.normal(0.0, self.noise, actions.shape)
        # Simulators clip, too; clipping here stores the action that is applied.
        return np.clip(actions, -1.0, 1.0)

    def receive(self, rewards: np.ndarray) -> None:
        pass
