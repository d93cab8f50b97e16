"""The scripted expert of a suite as a policy; the experts are in the families' files."""

import numpy as np

from trajprompt.errors import TrajpromptError
from trajprompt.tasks.registry import with_expert
from trajprompt.tasks.simulator import Simulator


class ScriptedPolicy:
    """The expert of every row of a simulator, with Gaussian action noise."""

    def __init__(
        self,
        simulator: Simulator,
        noise: float = 0.0,
        generator: np.random.Generator | None = None,
    ):
        if simulator.suite.expert is None:
            known = f"suite {' or '.join(with_expert())}"
            raise TrajpromptError(simulator.suite.name, "no scripted expert", known)
        if noise > 0 and generator is None:
            raise TrajpromptError("scripted policy", "noise without a generator", "both")
        self.expert, self.simulator = simulator.suite.expert, simulator
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
