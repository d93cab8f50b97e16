"""Refit of all reward models at once: plain gradient descent without an autograd graph.

The first layer has nearly all weights, and full-batch descent moves them only along the
observations: after any number of steps W = W0 - X' C, with one row of C (n, 16) per
observation. The steps are therefore taken in C. The layer's output X W then follows from
the matrix X X' (n, n), which is computed once per refit; so does the norm of the gradient.
A step costs n n instead of 2 n D, whatever the number D of features. Tests compare it with
torch.optim.SGD on each network separately.

Inside, observations are the last dimension, and biases are weights of a constant 1.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from trajprompt.numerics.row_layers import RowLayer
from trajprompt.tuning.bandit.reward_models import HIDDEN, RewardModels


@dataclass(frozen=True)
class RefitSettings:
    """Settings of the co-author's code; full batches, no momentum, no weight decay."""

    steps: int = 1000
    learning_rate: float = 0.01
    # Largest norm of each network's gradient; "essential due to outliers".
    clip: float = 10.0


def refit(
    start: RewardModels, x: Tensor, y: Tensor, settings: RefitSettings
) -> RewardModels:
    """Fit ``start`` to observations x (G, n, D) and y (G, n) by mean squared error."""
    descent = _RefitDescent(start, x, y, settings)
    for _ in range(settings.steps):
        descent.step()
    return start.with_weights(descent.weights())


class _RefitDescent:
    """One refit in progress; it allocates every buffer that a step needs."""

    def __init__(self, start: RewardModels, x: Tensor, y: Tensor, settings: RefitSettings):
        self.settings, self.x, self.target = settings, x, y.unsqueeze(1)  # (G, 1, n)
        self.first, second, last = start.layers.open(start.weights)
        self.second, self.last = _joined(second), _joined(last)  # (G, 16, 17), (G, 1, 17)
        groups, count = y.shape
        self.similarity = torch.bmm(x, x.transpose(1, 2)) + 1.0  # (G, n, n); + 1: the bias
        self.lower_in = self.first(x).transpose(1, 2).contiguous()  # (G, 16, n)
        self.coefficients = torch.zeros_like(self.lower_in)  # C of the module's docstring
        self.lower, self.upper = (x.new_ones(groups, HIDDEN + 1, count) for _ in range(2))
        self.upper_in, self.to_upper, self.to_lower, self.change = (
            torch.empty_like(self.lower_in) for _ in range(4)
        )
        self.error = torch.empty_like(self.target)
        self.second_gradient = torch.empty_like(self.second)
        self.last_gradient = torch.empty_like(self.last)

    def step(self) -> None:
        self._forward()
        self._backward()
        rate = self._rate()
        self.lower_in.addcmul_(self.change, rate, value=-1)
        self.coefficients.addcmul_(self.to_lower, rate)
        self.second.addcmul_(self.second_gradient, rate, value=-1)
        self.last.addcmul_(self.last_gradient, rate, value=-1)

    def weights(self) -> Tensor:
        """Return the current weights (G, n)."""
        along = self.x.transpose(1, 2), self.coefficients.transpose(1, 2)
        weight = torch.baddbmm(self.first.weight, *along, alpha=-1)
        bias = self.first.bias - self.coefficients.sum(dim=2).unsqueeze(1)
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
        torch.bmm(self.error, self.upper.transpose(1, 2), out=self.last_gradient)
        torch.mul(self.last.transpose(1, 2)[:, :-1], self.error, out=self.to_upper)
        _hide_inactive(self.to_upper, self.upper[:, :-1])
        torch.bmm(self.to_upper, self.lower.transpose(1, 2), out=self.second_gradient)
        torch.bmm(self.second[:, :, :-1].transpose(1, 2), self.to_upper, out=self.to_lower)
        _hide_inactive(self.to_lower, self.lower[:, :-1])
        torch.bmm(self.to_lower, self.similarity, out=self.change)

    def _rate(self) -> Tensor:
        """Return the learning rate (G, 1, 1), smaller where the gradient is clipped."""
        squared = (
            _dot(self.to_lower, self.change)
            + _dot(self.second_gradient, self.second_gradient)
            + _dot(self.last_gradient, self.last_gradient)
        )
        # The first term is a sum of squares too, but rounding may make it negative.
        norm = squared.clamp_(min=0).sqrt_()
        shrunk = (self.settings.clip / (norm + 1e-6)).clamp_(max=1)  # as in torch
        return shrunk.mul_(self.settings.learning_rate)


def _joined(layer: RowLayer) -> Tensor:
    """Join weight and bias to one matrix (G, out, in + 1)."""
    return torch.cat([layer.weight, layer.bias], dim=1).transpose(1, 2).contiguous()


def _hide_inactive(signal: Tensor, hidden: Tensor) -> None:
    """Multiply by the derivative of ReLU, in place."""
    torch.ops.aten.threshold_backward.grad_input(signal, hidden, 0, grad_input=signal)


def _dot(a: Tensor, b: Tensor) -> Tensor:
    """Return inner products (G, 1, 1) over all but the first dimension."""
    return torch.bmm(a.flatten(1).unsqueeze(1), b.flatten(1).unsqueeze(2))
