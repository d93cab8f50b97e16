"""BRAC's cost of a policy: its dual divergence from the data, with a weight that adapts."""

import torch
from torch import Tensor

from trajprompt.numerics.networks import StackedMLP
from trajprompt.offline.meta.divergence import dual_divergence, gradient_penalty
from trajprompt.offline.meta.options import FocalOptions


class Regulariser:
    """A discriminator and a weight alpha (T,) per learner.

    Features (T, R, F) are states with codes. Actions (T, R, A) are ``ours``, of the policy,
    or ``logged``, of the data in the same states.
    """

    def __init__(self, discriminator: StackedMLP, options: FocalOptions, device: str):
        self.discriminator, self.options = discriminator, options
        self.alpha = torch.full((len(discriminator.affine[0][0]),), options.alpha)
        self.alpha = self.alpha.to(device)

    def discriminate(
        self, features: Tensor, actions: Tensor, frozen: bool = False
    ) -> Tensor:
        """Outputs (T, R)."""
        return self.discriminator(torch.cat([features, actions], -1), frozen)[..., 0]

    def loss(
        self, features: Tensor, ours: Tensor, logged: Tensor, places: Tensor
    ) -> Tensor:
        """The discriminator's loss (T,); ``places`` (T, R) are those of the penalty."""
        found = dual_divergence(
            self.discriminate(features, ours), self.discriminate(features, logged)
        )
        penalty = gradient_penalty(
            lambda between: self.discriminate(features, between),
            ours,
            logged,
            places,
            of_values=self.options.literal,
        )
        return penalty - found.mean(-1)

    def divergence(self, features: Tensor, ours: Tensor, logged: Tensor) -> Tensor:
        """Estimates (T, R), in nats, of which ours have a gradient."""
        found = self.discriminate(features, ours, frozen=True)
        with torch.no_grad():
            other = self.discriminate(features, logged)
        return dual_divergence(found, other)

    def adapt(self, divergence: Tensor) -> None:
        """Change alpha by a plain gradient step on the mean of the divergence (T, R).

        Alpha itself is kept in its range. The authors' code clamps it only where it is
        used, so it grows beyond its maximum.
        """
        excess = divergence.mean(-1) - self.options.target_divergence
        changed = self.alpha + self.options.alpha_rate * excess
        self.alpha = changed.clamp(0, self.options.largest_alpha)
