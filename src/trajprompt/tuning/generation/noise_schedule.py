"""The noise of a diffusion chain of N steps (Ho et al. 2020); step k is at index k - 1.

Variances grow linearly, scaled so that every N ends in the same noise, and the reverse
chain has the smaller of the two fixed variances: what PD's Table 4 calls "small sigma"
(improved-diffusion, gaussian_diffusion.py: get_named_beta_schedule, FIXED_SMALL).
"""

import math

import torch
from torch import Tensor

from trajprompt.settings.options import OptionError

# Below it the last variance is 1 or more, and the first reverse step divides by zero.
FEWEST_STEPS = 21


class NoiseSchedule:
    """Betas and what follows from them, each (N,) float32."""

    def __init__(self, steps: int, device: torch.device | str = "cpu"):
        if steps < FEWEST_STEPS:
            raise OptionError("diffusion_steps", str(steps), f"at least {FEWEST_STEPS}")
        self.steps = steps
        scale = 1000 / steps
        betas = torch.linspace(1e-4 * scale, 0.02 * scale, steps, dtype=torch.float64)
        kept = torch.cumprod(1 - betas, 0)  # alpha bar
        before = torch.cat([torch.ones(1, dtype=torch.float64), kept[:-1]])
        variances = betas * (1 - before) / (1 - kept)
        self.signal = kept.sqrt().float().to(device)  # of x0 in x_k
        self.noise = (1 - kept).sqrt().float().to(device)  # of epsilon in x_k
        self.deviations = variances.sqrt().tolist()  # of x_{k-1}, given x_k; 0 at k = 1
        self._denoise = (kept.rsqrt(), ((1 - kept) / kept).sqrt())
        self._weigh = (
            before.sqrt() * betas / (1 - kept),  # of x_0
            (1 - betas).sqrt() * (1 - before) / (1 - kept),  # of x_k
        )

    def noisy(self, x0: Tensor, step: Tensor, noise: Tensor) -> Tensor:
        """x_k of (R, B, d) ``x0`` and ``noise`` at the indices ``step`` (R, B)."""
        signal, own = self.signal[step], self.noise[step]
        return signal.unsqueeze(-1) * x0 + own.unsqueeze(-1) * noise

    def implied(self, x: Tensor, noise: Tensor, step: int) -> Tensor:
        """The x_0 of x_k, if ``noise`` is what x_k holds of it."""
        own, its = (float(values[step]) for values in self._denoise)
        return own * x - its * noise

    def mean(self, x: Tensor, implied: Tensor, step: int, largest: float) -> Tensor:
        """Eq. 17: the mean of x_{k-1}.

        Written as a mean of x_k and the x_0 that it implies, which is kept within
        ±``largest``; with infinity it is Eq. 17 to the letter.
        """
        clean = implied.clamp(-largest, largest)
        of_clean, of_own = (float(values[step]) for values in self._weigh)
        return of_clean * clean + of_own * x

    def deviation(self, step: int, temperature: float) -> float:
        """Eq. 16: the deviation of x_{k-1}, its variance scaled by ``temperature``."""
        return math.sqrt(temperature) * self.deviations[step]
