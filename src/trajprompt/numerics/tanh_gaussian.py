"""Gaussians whose samples are squashed by tanh: samples and log densities."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from trajprompt.numerics.gaussian import negative_log_density

# Actions are moved inside (-1, 1) by this before their log density (BRAC's code).
MARGIN = 1e-3


def squash(mean: Tensor, log_std: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """Return tanh(mean + std * noise) and its log density, summed over the last axis.

    log(1 - tanh(u)^2) = 2 (log 2 - u - softplus(-2u)), which does not underflow
    (arXiv 1812.05905, appendix C, rewritten).
    """
    raw = mean + log_std.exp() * noise
    density = -negative_log_density(noise, log_std)
    # Before the tanh: gradients of ``raw`` are summed in this order; it decides last bits.
    slope = _log_slope(raw)
    return raw.tanh(), (density - slope).sum(-1)


def log_density(actions: Tensor, mean: Tensor, log_std: Tensor) -> Tensor:
    """Log density (..,) of ``actions`` (.., A) in [-1, 1], moved inside by `MARGIN`."""
    raw = torch.atanh(actions.clamp(-1 + MARGIN, 1 - MARGIN))
    density = -negative_log_density((raw - mean) * (-log_std).exp(), log_std)
    return (density - _log_slope(raw)).sum(-1)


def _log_slope(raw: Tensor) -> Tensor:
    """log(1 - tanh(raw)^2)."""
    return 2 * (math.log(2) - raw - functional.softplus(-2 * raw))
