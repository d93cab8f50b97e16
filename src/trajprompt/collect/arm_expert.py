"""What the scripted experts of Meta-World's arm share: sight of the goal, and noise."""

from abc import ABC, abstractmethod

import numpy as np

from trajprompt.errors import TrajpromptError
from trajprompt.tasks.sawyer import SawyerSimulator
from trajprompt.tasks.simulator import Simulator


class ArmExpert(ABC):
    """A scripted expert for every row of an arm's simulator, with Gaussian action noise."""

    kind: type[SawyerSimulator]  # whose expert it is

    def __init__(
        self,
        simulator: Simulator,
        noise: float = 0.0,
        generator: np.random.Generator | None = None,
    ):
        if not isinstance(simulator, self.kind):
            raise TrajpromptError(
                type(self).__name__, simulator.suite.name, self.kind.__name__
            )
        if noise > 0 and generator is None:
            raise TrajpromptError("scripted policy", "noise without a generator", "both")
        self.simulator, self.noise, self.generator = simulator, noise, generator

    @abstractmethod
    def intended(self, seen: np.ndarray) -> np.ndarray:
        """Actions (N, 4) float32 for ``seen`` (N, 39) float64: observations and goals."""

    def act(self, observations: np.ndarray) -> np.ndarray:
        """(N, 4); the simulator is asked for the goal that ``observations`` hide."""
        actions = self.intended(self.simulator.expert_observations)
        if self.generator is not None:
            actions += self.generator.normal(0.0, self.noise, actions.shape)
        # Meta-World clips as well; clipped here, the stored action is the one that acted.
        return np.clip(actions, -1.0, 1.0)

    def receive(self, rewards: np.ndarray) -> None:
        return None  # a script learns nothing
