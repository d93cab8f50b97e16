"""Density of diagonal Gaussians, and the usual bounds of their standard deviations."""

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

LOG_ROOT_TWO_PI = 0.5 * math.log(2 * math.pi)
# Bounds of a log standard deviation that a network computes or learns (SAC's code; CORL).
# Beyond them actions are nearly the same after the tanh.
LOG_STD_RANGE = (-20.0, 2.0)


def negative_log_density(noise: "Tensor", log_std: "Tensor") -> "Tensor":
    """-log N(x; mean, std²) of each element of x = mean + std * ``noise``, (..)."""
    return 0.5 * noise.square() + log_std + LOG_ROOT_TWO_PI
