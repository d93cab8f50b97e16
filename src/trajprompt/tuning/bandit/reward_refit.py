"""Refits all reward models at once: plain gradient descent without an autograd graph.

The first layer has nearly all weights, and full-batch descent moves them along the
observations only: after any number of steps W = W0 - X' C, with one row of C (n, 16) per
observation. The steps are therefore taken in C. What the layer puts out, X W, follows by
the matrix X X' (n, n) alone, which is made once per refit, and so does the length of the
gradient; a step costs n n instead of 2 n D, whatever the size D of the features. Tested
against torch.optim.SGD on each network alone.

Inside, observations are the last dimension, and biases are weights of a constant 1.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from trajprompt.numerics.row_layers import RowLayer
from trajprompt.tuning.bandit.reward_models import HIDDEN, RewardModels


@dataclass(frozen=True)
class RefitSettings:
    """All from the co-author's code; full batches, no momentum, no weight decay."""

    steps: int = 1000
    learning_rate: float = 0.01
    # Of each network's gradient; "essential due to outliers".
    clip: float = 10.0


def refit(
    start: RewardModels, x: Tensor, y: Tensor, settings: RefitSettings
) -> RewardModels:
    """``start`` fitted to observations x (G, n, D) and y (G, n) by mean squared error."""
    descent = _RefitDescent(start, x, y, settings)
    for _ in range(settings.steps):
        descent.step()
    return start.with_weights(descent.weights())


class _RefitDescent:
    """One refit in progress; every buffer that a step needs is made here."""

    def __init__(self, start: RewardModels, x: Tensor, y: Tensor, settings: RefitSettings):
        self.settings, self.x, self.target = settings, x, y.unsqueeze(1)  # (G, 1, n)
        self.first, second, last = start.layers.open(start.weights)
        self.second, self.last = _joined(second), _joined(last)  # (G, 16, 17), (G, 1, 17)
        groups, count = y.shape
        self.similarity = torch.bmm(x, x.transpose(1, 2)) + 1.0  # (G, n, n); + 1: the bias
        self.lower_in = self.first(x).transpose(1, 2).contiguous()  # (G, 16, n)
        self.moved = torch.zeros_like(self.lower_in)  # C of the module's text
        self.lower, self.upper = (x.new_ones(groups, HIDDEN + 1, count) for _ in range(2))
        self.upper_in, self.to_upper, self.to_lower, self.change = (
            torch.empty_like(self.lower_in) for _ in range(4)
        )
        self.error = torch.empty_like(self.target)
        self.of_second = torch.empty_like(self.second)
        self.of_last = torch.empty_like(self.last)

    def step(self) -> None:
        self._forward()
        self._backward()
        rate = self._rate()
        self.lower_in.addcmul_(self.change, rate, value=-1)
        self.moved.addcmul_(self.to_lower, rate)
        self.second.addcmul_(self.of_second, rate, value=-1)
        self.last.addcmul_(self.of_last, rate, value=-1)

    def weights(self) -> Tensor:
        """(G, n) where the descent stands."""
        along = self.x.transpose(1, 2), self.moved.transpose(1, 2)
        weight = torch.baddbmm(self.first.weight, *along, alpha=-1)
        bias = self.first.bias - self.moved.sum(dim=2).unsqueeze(1)
        parts = [weight.flatten(1), bias.flatten(1)]
        for joined in (self.second, self.last):
            turned = joined.transpose(1, 2)  # (G, in + 1, out): the bias comes last
            parts.append(turned.flatten(1))
        return torch.cat(parts, dim=1)

    def _forward(self) -> None:
        torch.clamp(self.lower_in, min=0, out=self.lower[:, :-1])
        torch.bmm(self.second, self.lower, out=self.upper_in)
        torch.clamp(self.upper_in, min=0, out=self.upper[:, :-1])
        torch.bmm(self.last, self.upper, out=self.error)
        self.error.sub_(self.target).mul_(2 / self.target.shape[-1])

    def _backward(self) -> None:
        torch.bmm(self.error, self.upper.transpose(1, 2), out=self.of_last)
        torch.mul(self.last.transpose(1, 2)[:, :-1], self.error, out=self.to_upper)
        _hide_inactive(self.to_upper, self.upper[:, :-1])
        torch.bmm(self.to_upper, self.lower.transpose(1, 2), out=self.of_second)
        torch.bmm(self.second[:, :, :-1].transpose(1, 2), self.to_upper, out=self.to_lower)
        _hide_inactive(self.to_lower, self.lower[:, :-1])
        torch.bmm(self.to_lower, self.similarity, out=self.change)

    def _rate(self) -> Tensor:
        """(G, 1, 1) the learning rate, less where a gradient is too long."""
        squared = (
            _dot(self.to_lower, self.change)
            + _dot(self.of_second, self.of_second)
            + _dot(self.of_last, self.of_last)
        )
        # The first is a sum of squares, too, but rounding may put it below zero.
        norm = squared.clamp_(min=0).sqrt_()
        shrunk = (self.settings.clip / (norm + 1e-6)).clamp_(max=1)  # as torch clips
        return shrunk.mul_(self.settings.learning_rate)


def _joined(layer: RowLayer) -> Tensor:
    """Weight and bias as one matrix (G, out, in + 1)."""
    return torch.cat([layer.weight, layer.bias], dim=1).transpose(1, 2).contiguous()


def _hide_inactive(signal: Tensor, hidden: Tensor) -> None:
    """The derivative of ReLU, in place."""
    torch.ops.aten.threshold_backward.grad_input(signal, hidden, 0, grad_input=signal)


def _dot(a: Tensor, b: Tensor) -> Tensor:
    """Inner products over all but the first dimension, (G, 1, 1)."""
    return torch.bmm(a.flatten(1).unsqueeze(1), b.flatten(1).unsqueeze(2))
