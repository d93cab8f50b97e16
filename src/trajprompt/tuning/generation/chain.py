"""The reverse chain of a diffusion model with a hand-written gradient of its weights.

Prompt Diffuser (arXiv 2411.01168), Algorithm 1, lines 9 to 13. The N steps are sequential
and small, so PyTorch's graph takes several times as long as the arithmetic. Here each step
is a few operations on buffers of all steps, and a weight's gradient is one product of all
steps.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from trajprompt.numerics.mish import mish, mish_and_slope
from trajprompt.numerics.row_layers import RowLayers
from trajprompt.tuning.generation.noise_schedule import NoiseSchedule
from trajprompt.tuning.generation.noise_weights import (
    NoiseWeights,
    Times,
    put,
)


class Chain(NamedTuple):
    """Constants of a reverse chain."""

    layers: RowLayers
    schedule: NoiseSchedule
    times: Tensor  # (N, time features)
    largest: float  # bound of a denoised prompt
    temperature: float


def denoised(vectors: Tensor, chain: Chain, y: Tensor, noise: Tensor) -> Tensor:
    """Return x_0 (R, B, d) for conditions y (R, B, c), differentiable in the weights.

    ``noise`` (N, R, B, d) is x_N, followed by the noise of all steps except the last.
    """
    return _Denoised.apply(vectors, chain, y, noise)


class _Steps(NamedTuple):
    """Activations of all steps, each (N, R, B, .)."""

    x: Tensor  # inputs
    inner: Tensor  # before Mish, as second
    hidden: Tensor
    second: Tensor
    last: Tensor
    implied: Tensor  # x_0 before clipping


class _Denoised(torch.autograd.Function):
    @staticmethod
    def forward(
        context: Any, vectors: Tensor, chain: Chain, y: Tensor, noise: Tensor
    ) -> Tensor:
        weights = NoiseWeights.of(chain.layers, vectors)
        terms = weights.terms(noise.shape[-1], y.shape[-1])
        times = Times.of(weights, chain.times.expand(len(y), -1, -1))
        steps, x0 = _run(chain, weights, terms, times, y, noise)
        context.saved = chain, weights, terms, times, y, steps
        context.save_for_backward(vectors)
        return x0

    @staticmethod
    @once_differentiable
    def backward(context: Any, gradient: Tensor) -> Any:
        chain, weights, terms, times, y, steps = context.saved
        (vectors,) = context.saved_tensors
        found = torch.empty_like(vectors)
        into = NoiseWeights.of(chain.layers, found)
        to_inner, to_second, to_noise = _run_back(chain, weights, terms, steps, gradient)
        put(into.last, _by_row(steps.last), _by_row(to_noise))
        put(into.second, _by_row(steps.hidden), _by_row(to_second))
        on_prompt, on_condition, on_time = into.terms(gradient.shape[-1], y.shape[-1])
        torch.bmm(_by_row(steps.x).transpose(1, 2), _by_row(to_inner), out=on_prompt)
        to_condition = to_inner.sum(dim=0)  # (R, B, W)
        torch.bmm(y.transpose(1, 2), to_condition, out=on_condition)
        torch.sum(to_condition, dim=1, keepdim=True, out=into.first.bias)
        to_time = to_inner.sum(dim=2).transpose(0, 1)  # (R, N, W)
        torch.bmm(times.out.transpose(1, 2), to_time, out=on_time)
        times.backward(to_time @ terms[2].transpose(1, 2), weights, into)
        return found, None, None, None


def _run(
    chain: Chain,
    weights: NoiseWeights,
    terms: list[Tensor],
    times: Times,
    y: Tensor,
    noise: Tensor,
) -> tuple[_Steps, Tensor]:
    """Return the activations of all steps, and x_0 (R, B, d)."""
    schedule, (on_prompt, on_condition, on_time) = chain.schedule, terms
    condition = torch.baddbmm(weights.first.bias, y, on_condition)  # (R, B, W)
    in_time = (times.out @ on_time).transpose(0, 1).unsqueeze(2)  # (N, R, 1, W)
    inner = condition.repeat(schedule.steps, 1, 1, 1).add_(in_time)
    second = weights.second.bias.expand_as(inner).contiguous()
    x = noise.flip(0)  # x_N is in its place; the other steps are overwritten
    hidden, last, implied = (torch.empty_like(part) for part in (inner, inner, noise))
    steps = _Steps(x, inner, hidden, second, last, implied)
    outputs = (torch.empty_like(noise[0]), *x.unbind(0))
    views = zip(*(part.unbind(0) for part in steps), strict=True)
    on_second, on_last = weights.second.weight, weights.last.weight
    for step, parts in reversed(list(enumerate(views))):
        one = _Steps(*parts)
        mish(one.inner.baddbmm_(one.x, on_prompt), out=one.hidden)
        mish(one.second.baddbmm_(one.hidden, on_second), out=one.last)
        factors = schedule.factors[step]
        signal, error = factors.x_in_implied, -factors.noise_in_implied
        torch.baddbmm(one.x, one.last, on_last, beta=signal, alpha=error, out=one.implied)
        one.implied.add_(weights.last.bias, alpha=error)
        x0 = one.implied.clamp(-chain.largest, chain.largest)
        following = torch.mul(one.x, factors.x_in_mean, out=outputs[step])
        following.add_(x0, alpha=factors.implied_in_mean)
        if step > 0:
            deviation = schedule.deviation(step, chain.temperature)
            following.add_(noise[schedule.steps - step], alpha=deviation)
    return steps, outputs[0]


def _run_back(
    chain: Chain,
    weights: NoiseWeights,
    terms: list[Tensor],
    steps: _Steps,
    gradient: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradients of ``inner``, ``second`` and the predicted noise of all steps.

    ``gradient`` (R, B, d) is that of x_0.
    """
    inside = (steps.implied.abs() <= chain.largest).to(gradient).unbind(0)
    slopes = [mish_and_slope(x)[1].unbind(0) for x in (steps.inner, steps.second)]
    to_noise = torch.empty_like(steps.x)
    to_inner, to_second = torch.empty_like(steps.inner), torch.empty_like(steps.second)
    from_prompt, from_second, from_last = (
        weight.transpose(1, 2)
        for weight in (terms[0], weights.second.weight, weights.last.weight)
    )
    to_x = gradient
    found = (part.unbind(0) for part in (to_noise, to_second, to_inner))
    views = zip(chain.schedule.factors, inside, *slopes, *found, strict=True)
    for factors, kept, inner_slope, second_slope, noise, second, inner in views:
        to_implied = (to_x * factors.implied_in_mean).mul_(kept)
        to_x = (to_x * factors.x_in_mean).add_(to_implied, alpha=factors.x_in_implied)
        torch.mul(to_implied, -factors.noise_in_implied, out=noise)
        torch.bmm(noise, from_last, out=second).mul_(second_slope)
        torch.bmm(second, from_second, out=inner).mul_(inner_slope)
        to_x.baddbmm_(inner, from_prompt)
    return to_inner, to_second, to_noise


def _by_row(values: Tensor) -> Tensor:
    """Join the steps of (N, R, B, .) to (R, N * B, .)."""
    return values.transpose(0, 1).flatten(1, 2)
