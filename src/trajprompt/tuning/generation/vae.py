"""Conditional variational autoencoder of flattened prompts: "VAE" in PD's Table 5.

The paper gives only its name and states that all else equals the diffusion model: the same
conditions, losses, guidance, activations, widths and depth.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from trajprompt.numerics.row_layers import RowLayer, RowLayers, dropout


@dataclass(frozen=True)
class VAEConfig:
    """Sizes of the model, and the constant of its loss."""

    features: int  # d: number of values in a prompt
    conditions: int  # c: number of values in its condition
    latent: int = 16  # not in the paper
    width: int = 256  # as in the diffusion model
    dropout: float = 0.1  # as in the diffusion model
    # Not in the paper: standard deviation of a decoded value, in units of [-1, 1].
    deviation: float = 0.1


class PromptVAE:
    """Encoder and decoder of R rows; ``vectors`` (R, n) are their weights."""

    def __init__(self, config: VAEConfig, vectors: Tensor):
        self.config, self.vectors = config, vectors
        self.layers = vae_layers(config)

    @classmethod
    def fresh(cls, config: VAEConfig, generator: torch.Generator) -> "PromptVAE":
        """Create one row with random weights."""
        return cls(config, vae_layers(config).initial(generator))

    def with_vectors(self, vectors: Tensor) -> "PromptVAE":
        """Return the same model with other weights (R, n)."""
        return PromptVAE(self.config, vectors)

    def loss(self, x0: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        """Return the negative evidence lower bound (R,) without its constant.

        It is scaled by 2 deviation^2 / d.
        """
        opened = self.layers.open(self.vectors)
        encoded = self._run(opened[:3], torch.cat([x0, y], dim=-1), generator)
        mean, log_variance = encoded.chunk(2, dim=-1)  # (R, B, latent) each
        noise = torch.randn(mean.shape, generator=generator).to(mean)
        latent = mean + noise * (0.5 * log_variance).exp()
        decoded = self._run(opened[3:], torch.cat([latent, y], dim=-1), generator)
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)
        weight = 2 * self.config.deviation**2 / self.config.features
        error = (decoded - x0).square().mean(dim=(1, 2))
        return error + weight * divergence.sum(dim=2).mean(dim=1)

    def sample(self, y: Tensor, generator: torch.Generator, temperature: float) -> Tensor:
        """Generate prompts (R, B, d) for conditions (R, B, c).

        ``temperature`` is the variance of the latent.
        """
        shape = (*y.shape[:2], self.config.latent)
        latent = math.sqrt(temperature) * torch.randn(shape, generator=generator).to(y)
        decoder = self.layers.open(self.vectors)[3:]
        return self._run(decoder, torch.cat([latent, y], dim=-1))

    def _run(
        self, layers: list[RowLayer], x: Tensor, generator: torch.Generator | None = None
    ) -> Tensor:
        """Run a perceptron with Mish; ``generator`` draws dropout masks."""
        for layer in layers[:-1]:
            x = dropout(F.mish(layer(x)), self.config.dropout, generator)
        return layers[-1](x)


def vae_layers(config: VAEConfig) -> RowLayers:
    """Return the layers: three of the encoder, three of the decoder."""
    features, conditions, width = config.features, config.conditions, config.width
    encoder = [(features + conditions, width), (width, width), (width, 2 * config.latent)]
    decoder = [(config.latent + conditions, width), (width, width), (width, features)]
    return RowLayers([*encoder, *decoder])
