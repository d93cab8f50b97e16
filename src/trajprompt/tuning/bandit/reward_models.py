"""Reward models of a bandit: small perceptrons, one per row and slot, all run at once.

Each has the layers inputs -> 16 -> 16 -> 1 with ReLU, as in the co-author's code. G is rows
times slots; the networks share nothing. NeuralUCB and NeuralTS need the gradient of every
arm's prediction with respect to the weights. It is the outer product of a layer's input and
the derivative at its output, so sums over its squares do not need the gradient itself.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from trajprompt.numerics.row_layers import RowLayers

HIDDEN = 16  # co-author's code


class Signal(NamedTuple):
    """Factors of the gradient of one layer's weights, which is their outer product."""

    inputs: Tensor  # (G, A, in) inputs of the layer
    outputs: Tensor  # (G, A, out) derivative of the prediction by the layer's outputs


class RewardModels:
    """G perceptrons; ``layers`` defines the layout of ``weights`` (G, n)."""

    def __init__(self, layers: RowLayers, weights: Tensor):
        self.layers, self.weights = layers, weights

    @classmethod
    def fresh(
        cls, inputs: int, generators: Sequence[torch.Generator], per_generator: int = 1
    ) -> "RewardModels":
        """Draw ``per_generator`` networks from each, with the bounds of torch.nn.Linear."""
        layers = RowLayers([(inputs, HIDDEN), (HIDDEN, HIDDEN), (HIDDEN, 1)])
        drawn = [layers.initial(g) for g in generators for _ in range(per_generator)]
        return cls(layers, torch.cat(drawn))

    def with_weights(self, weights: Tensor) -> "RewardModels":
        """Return the same networks with other weights (G, n)."""
        return RewardModels(self.layers, weights)

    def predict(self, x: Tensor) -> Tensor:
        """Return predictions (G, A) for features (G, A, D)."""
        first, second, last = self.layers.open(self.weights)
        return last(second(first(x).relu_()).relu_()).squeeze(-1)

    def gradient(self, x: Tensor) -> Tensor:
        """Return the gradient (G, n) of each network's prediction at x (G, D)."""
        parts = []
        for signal in self._signals(x.unsqueeze(1)):
            weight = torch.bmm(signal.inputs.transpose(1, 2), signal.outputs)
            parts += [weight.flatten(1), signal.outputs.flatten(1)]
        return torch.cat(parts, dim=1)

    def weighted_norms(self, x: Tensor, importance: Tensor) -> Tensor:
        """Return sums (G, A) of ``importance`` (G, n) times squared gradients at x.

        ``x`` is (G, A, D).
        """
        total = x.new_zeros(x.shape[:2])
        opened = self.layers.open(importance)
        for layer, signal in zip(opened, self._signals(x), strict=True):
            along_outputs = layer(signal.inputs.square())  # (G, A, out); a bias has input 1
            total += (along_outputs * signal.outputs.square()).sum(dim=-1)
        return total

    def _signals(self, x: Tensor) -> list[Signal]:
        """Return the signals of the three layers at x (G, A, D)."""
        first, second, last = self.layers.open(self.weights)
        lower = first(x).relu_()  # (G, A, 16)
        upper = second(lower).relu_()
        to_upper = last.weight.transpose(1, 2) * (upper > 0)
        to_lower = torch.bmm(to_upper, second.weight.transpose(1, 2)) * (lower > 0)
        to_last = torch.ones_like(upper[..., :1])
        return [Signal(x, to_lower), Signal(lower, to_upper), Signal(upper, to_last)]
