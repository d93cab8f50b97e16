"""Policy of offline algorithms: a perceptron from a state to an action."""

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from trajprompt.settings.options import Size, SmallCount, Strict


@dataclass(frozen=True)
class StatePolicyConfig(Strict):
    """Sizes of a policy."""

    state_dim: Size
    action_dim: Size
    width: Size  # units of each hidden layer
    layers: SmallCount  # hidden layers

    uses_prompt: ClassVar[bool] = False
    uses_returns: ClassVar[bool] = False
    context_length: ClassVar[int] = 1  # steps that it reads

    @property
    def sizes(self) -> tuple[int, ...]:
        """Numbers of units, from the state to the action."""
        return (self.state_dim, *(self.width,) * self.layers, self.action_dim)


class StatePolicy(nn.Module):
    """Perceptron with ReLU whose outputs, through a tanh, are the action."""

    def __init__(self, config: StatePolicyConfig):
        super().__init__()
        self.config = config
        self.layers = nn.ModuleList(nn.Linear(i, o) for i, o in pairwise(config.sizes))

    @property
    def linear(self) -> list[nn.Linear]:
        """The layers, from the state to the action."""
        return [layer for layer in self.layers if isinstance(layer, nn.Linear)]

    def forward(self, states: Tensor) -> Tensor:
        """Actions (B, A) for normalised states (B, S)."""
        *hidden, last = self.layers
        for layer in hidden:
            states = torch.relu(layer(states))
        return torch.tanh(last(states))


class StatePolicyPlayer:
    """A policy that acts in N episodes (`rollout.loop.Policy`); it keeps no history.

    Rows are multiplied one by one, so that a row's actions do not depend on the others.
    """

    def __init__(self, model: StatePolicy, mean: Tensor, std: Tensor):
        self.mean, self.std = (part.double().cpu().numpy() for part in (mean, std))
        self.layers = [
            tuple(
                part.detach().double().cpu().numpy()
                for part in (layer.weight.T, layer.bias)
            )
            for layer in model.linear
        ]

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Actions (N, A) for observations (N, S)."""
        x = (observations - self.mean) / self.std
        for place, (weight, bias) in enumerate(self.layers):
            x = np.matmul(x[:, None], weight)[:, 0] + bias
            x = np.tanh(x) if place == len(self.layers) - 1 else np.maximum(x, 0.0)
        return x.astype(np.float32)

    def receive(self, rewards: np.ndarray) -> None:
        """Rewards are not used."""
