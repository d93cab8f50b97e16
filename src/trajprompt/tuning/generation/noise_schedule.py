"""Noise of a diffusion chain of N steps (Ho et al. 2020); step k has index k - 1.

Variances grow linearly and are scaled so that every N ends in the same noise. The reverse
chain has the smaller of the two fixed variances, "small sigma" in PD's Table 4
(improved-diffusion, gaussian_diffusion.py: get_named_beta_schedule, FIXED_SMALL).
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from trajprompt.settings.options import OptionError

# With fewer steps the last variance is at least 1, and the first reverse step divides by 0.
MIN_STEPS = 21


class Factors(NamedTuple):
    """Factors of one reverse step: x_0 implied by x_k and its noise, mean of x_{k-1}."""

    x_in_implied: float
    noise_in_implied: float  # subtracted
    implied_in_mean: float
    x_in_mean: float


class NoiseSchedule:
    """Constants of each of the N steps, derived from the betas."""

    def __init__(self, steps: int, device: torch.device | str = "cpu"):
        if steps < MIN_STEPS:
            raise OptionError("diffusion_steps", str(steps), f"at least {MIN_STEPS}")
        self.steps = steps
        scale = 1000 / steps
        betas = torch.linspace(1e-4 * scale, 0.02 * scale, steps, dtype=torch.float64)
        alpha_bar = torch.cumprod(1 - betas, 0)
        previous = torch.cat([torch.ones(1, dtype=torch.float64), alpha_bar[:-1]])
        variances = betas * (1 - previous) / (1 - alpha_bar)
        self.signal = alpha_bar.sqrt().float().to(device)  # factor of x_0 in x_k
        self.noise = (1 - alpha_bar).sqrt().float().to(device)  # factor of epsilon in x_k
        # Standard deviations of x_{k-1}, given x_k; 0 at k = 1.
        self.deviations = variances.sqrt().tolist()
        factors = (
            alpha_bar.rsqrt(),
            ((1 - alpha_bar) / alpha_bar).sqrt(),
            previous.sqrt() * betas / (1 - alpha_bar),
            (1 - betas).sqrt() * (1 - previous) / (1 - alpha_bar),
        )
        self.factors = [Factors(*row) for row in torch.stack(factors, dim=1).tolist()]

    def noisy(self, x0: Tensor, step: Tensor, noise: Tensor) -> Tensor:
        """Return x_k for ``x0`` and ``noise`` (R, B, d) at the indices ``step`` (R, B)."""
        x0_factor, noise_factor = self.signal[step], self.noise[step]
        return x0_factor.unsqueeze(-1) * x0 + noise_factor.unsqueeze(-1) * noise

    def implied(self, x: Tensor, noise: Tensor, step: int) -> Tensor:
        """Return the x_0 of ``x`` = x_k, if ``noise`` is the noise in it."""
        factors = self.factors[step]
        return factors.x_in_implied * x - factors.noise_in_implied * noise

    def mean(self, x: Tensor, implied: Tensor, step: int, largest: float) -> Tensor:
        """Return the mean of x_{k-1} (Eq. 17).

        It is a weighted sum of ``x`` = x_k and the x_0 implied by it, clipped to
        ±``largest``. If ``largest`` is infinite, it is exactly Eq. 17.
        """
        x0 = implied.clamp(-largest, largest)
        factors = self.factors[step]
        return factors.implied_in_mean * x0 + factors.x_in_mean * x

    def deviation(self, step: int, temperature: float) -> float:
        """Return the standard deviation of x_{k-1} (Eq. 16).

        Its variance is scaled by ``temperature``.
        """
        return math.sqrt(temperature) * self.deviations[step]
