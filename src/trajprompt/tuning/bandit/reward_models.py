"""Reward models of a bandit: small perceptrons, one per row and slot, all run at once.

Inputs -> 16 -> 16 -> 1 with ReLU, as in the co-author's code. G is rows times slots; the
networks share nothing. Gradients by the weights, which NeuralUCB and NeuralTS need of every
arm, are outer products of what a layer reads and of the signal at its output, so that sums
over their squares never need the gradients themselves.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from trajprompt.numerics.row_layers import RowLayers

HIDDEN = 16  # co-author's code


class Signal(NamedTuple):
    """One layer at some inputs: the gradient of the output is their outer product."""

    inputs: Tensor  # (G, A, in) what the layer reads
    outputs: Tensor  # (G, A, out) derivative of the prediction by what it puts out


class RewardModels:
    """G perceptrons; ``weights`` (G, n) are laid out by ``layers``."""

    def __init__(self, layers: RowLayers, weights: Tensor):
        self.layers, self.weights = layers, weights

    @classmethod
    def fresh(
        cls, inputs: int, generators: Sequence[torch.Generator], each: int = 1
    ) -> "RewardModels":
        """``each`` networks from every generator, with the bounds of torch.nn.Linear."""
        layers = RowLayers([(inputs, HIDDEN), (HIDDEN, HIDDEN), (HIDDEN, 1)])
        drawn = [layers.initial(g) for g in generators for _ in range(each)]
        return cls(layers, torch.cat(drawn))

    def with_weights(self, weights: Tensor) -> "RewardModels":
        """The same networks with other weights (G, n)."""
        return RewardModels(self.layers, weights)

    def predict(self, x: Tensor) -> Tensor:
        """Features (G, A, D) to predictions (G, A)."""
        first, second, last = self.layers.open(self.weights)
        return last(second(first(x).relu_()).relu_()).squeeze(-1)

    def gradient(self, x: Tensor) -> Tensor:
        """Of each network's prediction at one input, (G, D), by its weights: (G, n)."""
        parts = []
        for signal in self._signals(x.unsqueeze(1)):
            weight = torch.bmm(signal.inputs.transpose(1, 2), signal.outputs)
            parts += [weight.flatten(1), signal.outputs.flatten(1)]
        return torch.cat(parts, dim=1)

    def weighted_norms(self, x: Tensor, importance: Tensor) -> Tensor:
        """Sums of ``importance`` (G, n) times the squared gradient at (G, A, D): (G, A)."""
        total = x.new_zeros(x.shape[:2])
        opened = self.layers.open(importance)
        for layer, signal in zip(opened, self._signals(x), strict=True):
            along_outputs = layer(signal.inputs.square())  # (G, A, out); biases read a one
            total += (along_outputs * signal.outputs.square()).sum(dim=-1)
        return total

    def _signals(self, x: Tensor) -> list[Signal]:
        """Of the three layers, at (G, A, D)."""
        first, second, last = self.layers.open(self.weights)
        lower = first(x).relu_()  # (G, A, 16)
        upper = second(lower).relu_()
        to_upper = last.weight.transpose(1, 2) * (upper > 0)
        to_lower = torch.bmm(to_upper, second.weight.transpose(1, 2)) * (lower > 0)
        to_last = torch.ones_like(upper[..., :1])
        return [Signal(x, to_lower), Signal(lower, to_upper), Signal(upper, to_last)]
