"""The variational autoencoder in place of the diffusion model (PD Table 5)."""

import pytest
import torch

from trajprompt.seeds import stream, torch_generator
from trajprompt.tuning.generation.learner import Learner
from trajprompt.tuning.generation.vae import PromptVAE, VAEConfig


def generator(seed: int = 0) -> torch.Generator:
    return torch_generator(stream(seed, "vae"))


@pytest.mark.slow
def test_it_generates_learnt_clusters_under_their_condition():
    """The sign of y determines the cluster, with the opposite sign in row 1."""
    rng = generator()
    config = VAEConfig(4, 1, latent=2, width=64, dropout=0.0)
    learner = Learner(PromptVAE.fresh(config, rng), 2, 2e-3)
    signs = torch.tensor([1.0, -1.0]).view(2, 1, 1)
    for _ in range(1500):
        y = torch.randint(2, (2, 64, 1), generator=rng).float() * 2 - 1
        wave = torch.randn(2, 64, 1, generator=rng)
        x0 = torch.cat([0.6 * signs * y, -0.3 * y, 0.2 * wave, -0.2 * wave], dim=-1)
        learner.descend(learner.gradient(learner.model.loss(x0, y, rng)))
    for sign in (-1.0, 1.0):
        y = torch.full((2, 4000, 1), sign)
        with torch.no_grad():
            found = learner.model.sample(y, rng, temperature=1.0)
        expected = torch.tensor([[0.6, -0.3], [-0.6, -0.3]]) * sign
        torch.testing.assert_close(found[..., :2].mean(1), expected, atol=0.05, rtol=0)
        spread = found[..., 2].std(dim=1)
        assert ((spread > 0.1) & (spread < 0.3)).all()
        opposite = found[..., 2] + found[..., 3]
        assert opposite.std() < 0.1


def test_temperature_scales_the_latent():
    model = PromptVAE.fresh(VAEConfig(4, 1), generator())
    y = torch.zeros(1, 500, 1)
    with torch.no_grad():
        constant = model.sample(y, generator(1), 0.0)
        assert torch.equal(constant, constant[:, :1].expand_as(constant))
        spreads = [model.sample(y, generator(1), t).std(dim=1).mean() for t in (0.25, 1.0)]
    assert 0 < spreads[0] < spreads[1]


def test_gradients_reach_encoder_and_decoder():
    model = PromptVAE.fresh(VAEConfig(4, 1), generator())
    learner = Learner(model, 3, 1e-3)
    x0, y = torch.randn(3, 5, 4), torch.randn(3, 5, 1)
    loss_gradient = learner.gradient(learner.model.loss(x0, y, generator(1)))
    samples = learner.model.sample(y, generator(1), 1.0)
    sample_gradient = learner.gradient(samples.sum((1, 2)))
    sizes = model.layers.sizes
    assert model.layers.parameters == model.vectors.numel() == sum(sizes)
    assert all(part.norm() > 0 for part in loss_gradient.split(sizes, dim=1))
    norms = [float(part.norm()) for part in sample_gradient.split(sizes, dim=1)]
    assert norms[:3] == [0.0] * 3 and min(norms[3:]) > 0
