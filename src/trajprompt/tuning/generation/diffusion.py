"""The Prompt Diffuser's model: a conditional diffusion model of flattened prompts.

Prompt Diffuser (arXiv 2411.01168), Eq. 7, 10, 16 and 17. Each row of a problem has one
network.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from trajprompt.numerics.row_layers import RowLayers
from trajprompt.tuning.generation.chain import Chain, denoised
from trajprompt.tuning.generation.noise_loss import NoisyPrompts, noise_loss
from trajprompt.tuning.generation.noise_schedule import NoiseSchedule
from trajprompt.tuning.generation.noise_weights import NoiseWeights


@dataclass(frozen=True)
class DiffusionConfig:
    """Sizes of the model: 143,031 parameters for the cheetah's prompts of 5 steps."""

    features: int  # d: number of values in a prompt
    conditions: int  # c: number of values in its condition
    steps: int = 100  # N, PD Table 4
    width: int = 256  # PD appendix B: the two hidden layers of a "3-layer MLP"
    dropout: float = 0.1  # PD Table 4
    # Not in the paper: 16 sinusoids and a small network on them, as in Diffusion-QL, whose
    # guidance PD refers to. The model size that PD prints (0.17M) fits.
    time_features: int = 16
    # Largest absolute value of a denoised prompt, as in improved-diffusion (clip_denoised),
    # on which PD builds; Eq. 17 has no bound. Encoded prompts are in [-1, 1].
    largest: float = 1.0


class DenoisingStep(NamedTuple):
    """One step of the reverse chain."""

    x: Tensor  # (R, B, d)
    implied: Tensor  # (R, B, d): unclipped x_0 from which x was computed; x itself for x_N


class PromptDiffusion:
    """Noise predictor and sampler of R rows; ``vectors`` (R, n) are their weights."""

    def __init__(self, config: DiffusionConfig, vectors: Tensor):
        self.config, self.vectors = config, vectors
        self.layers = noise_layers(config)
        self.schedule = NoiseSchedule(config.steps, vectors.device)
        self.times = time_features(config).to(vectors)  # (N, time_features)

    @classmethod
    def fresh(
        cls, config: DiffusionConfig, generator: torch.Generator
    ) -> "PromptDiffusion":
        """Create one row with random weights."""
        return cls(config, noise_layers(config).initial(generator))

    def with_vectors(self, vectors: Tensor) -> "PromptDiffusion":
        """Return the same model with other weights (R, n)."""
        return PromptDiffusion(self.config, vectors)

    def loss(self, x0: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        """Return the loss (R,) of Eq. 10: prompts (R, B, d) under conditions (R, B, c)."""
        step = torch.randint(self.config.steps, x0.shape[:2], generator=generator)
        noise = torch.randn(x0.shape, generator=generator).to(x0)
        step = step.to(x0.device)
        x = self.schedule.noisy(x0, step, noise)
        masks = self._mask(x0, generator), self._mask(x0, generator)
        given = NoisyPrompts(x, y, self.times[step], noise, masks)
        return noise_loss(self.vectors, self.layers, given)

    def _mask(self, x0: Tensor, generator: torch.Generator) -> Tensor | None:
        """Draw a dropout mask (R, B, W) of a hidden layer; None without dropout."""
        rate = self.config.dropout
        if rate == 0.0:
            return None
        drawn = torch.rand(*x0.shape[:2], self.config.width, generator=generator)
        return drawn.ge_(rate).mul_(1 / (1 - rate)).to(x0)

    def sample(self, y: Tensor, generator: torch.Generator, temperature: float) -> Tensor:
        """Generate prompts (R, B, d) for conditions (R, B, c).

        The result is differentiable in the weights through all steps.
        """
        if torch.is_grad_enabled() and self.vectors.requires_grad:
            shape = (*y.shape[:2], self.config.features)
            drawn = [torch.randn(shape, generator=generator) for _ in self.times]
            constants = self.schedule, self.times, self.config.largest, temperature
            chain = Chain(self.layers, *constants)
            return denoised(self.vectors, chain, y, torch.stack(drawn).to(y))
        for iterate in self.denoise(y, generator, temperature):
            last = iterate.x
        return last

    def denoise(
        self, y: Tensor, generator: torch.Generator, temperature: float
    ) -> Iterator[DenoisingStep]:
        """Yield x_N, x_{N-1}, …, x_0 (Algorithm 1, lines 9 to 13)."""
        shape = (*y.shape[:2], self.config.features)
        x = torch.randn(shape, generator=generator).to(y)
        network = _NoiseNetwork(self)
        condition = network.condition(y)  # (R, B, W)
        times = network.time(self.times.expand(len(y), -1, -1))  # (R, N, W)
        yield DenoisingStep(x, x)
        for step in reversed(range(self.config.steps)):
            noise = network(x, condition + times[:, step : step + 1])
            implied = self.schedule.implied(x, noise, step)
            x = self.schedule.mean(x, implied, step, self.config.largest)
            if step > 0:
                deviation = self.schedule.deviation(step, temperature)
                x = x + deviation * torch.randn(shape, generator=generator).to(x)
            yield DenoisingStep(x, implied)


class _NoiseNetwork:
    """The noise predictor with its unpacked weights, without dropout.

    Its first layer is a sum of terms of prompt, condition and time. A chain computes the
    terms of condition and time only once.
    """

    def __init__(self, model: PromptDiffusion):
        self.weights = NoiseWeights.of(model.layers, model.vectors)
        sizes = model.config.features, model.config.conditions
        self.on_prompt, self.on_condition, self.on_time = self.weights.terms(*sizes)

    def condition(self, y: Tensor) -> Tensor:
        """Return the first layer's term (R, B, W) of conditions (R, B, c), with bias."""
        return torch.baddbmm(self.weights.first.bias, y, self.on_condition)

    def time(self, features: Tensor) -> Tensor:
        """Return the first layer's term (R, B, W) of (R, B, time_features)."""
        hidden = F.mish(self.weights.time_in(features))
        return self.weights.time_out(hidden) @ self.on_time

    def __call__(self, x: Tensor, inner: Tensor) -> Tensor:
        """Predict the noise in x (R, B, d)."""
        hidden = F.mish(torch.baddbmm(inner, x, self.on_prompt))
        return self.weights.last(F.mish(self.weights.second(hidden)))


def noise_layers(config: DiffusionConfig) -> RowLayers:
    """Return the layers: two on the time, three on prompt, condition and time."""
    time, width = config.time_features, config.width
    first = config.features + config.conditions + time
    ends = [(first, width), (width, width), (width, config.features)]
    return RowLayers([(time, 2 * time), (2 * time, time), *ends])


def time_features(config: DiffusionConfig) -> Tensor:
    """Return (N, time_features): cosines and sines of the step at falling frequencies."""
    half = config.time_features // 2
    frequencies = torch.exp(-math.log(10_000) * torch.arange(half) / half)
    angles = torch.arange(config.steps)[:, None] * frequencies
    return torch.cat([angles.cos(), angles.sin()], dim=1)
