"""Gradients through the denoising chain: weights that all steps share, and each step."""

import math

import pytest
import torch

from trajprompt.seeds import stream, torch_generator
from trajprompt.tuning.generation import diffusion as prompt_diffusion
from trajprompt.tuning.generation.diffusion import DiffusionConfig, PromptDiffusion
from trajprompt.tuning.generation.learner import Learner

STEPS, FEATURES, CHAINS = 25, 3, 32
SMALL = DiffusionConfig(FEATURES, conditions=2, steps=STEPS, width=16, dropout=0.0)


def generator(seed: int = 0) -> torch.Generator:
    return torch_generator(stream(seed, "test"))


def normal(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(shape, generator=generator(seed)).double()


def test_gradients_reach_the_weights():
    """Against central differences along random directions, one per layer, in float64.

    All steps share these weights: that each of them counts, the test below says.
    """
    fresh = PromptDiffusion.fresh(SMALL, generator())
    vectors = fresh.vectors.double().repeat(2, 1).requires_grad_()
    y, weigh = normal(2, 3, 2, seed=1), normal(2, 3, FEATURES, seed=2)

    def value(weights: torch.Tensor) -> torch.Tensor:
        x0 = fresh.with_vectors(weights).sample(y, generator(3), temperature=1.0)
        return (x0 * weigh).sum()

    gradient = torch.autograd.grad(value(vectors), vectors)[0]
    assert gradient.isfinite().all()
    first = 0
    for size in fresh.layers.sizes:
        part = slice(first, first + size)
        assert gradient[:, part].norm() > 0
        direction = torch.zeros_like(vectors)
        direction[:, part] = normal(2, size, seed=4)
        with torch.no_grad():
            ahead = value(vectors + 1e-5 * direction)
            behind = value(vectors - 1e-5 * direction)
        along = ((ahead - behind) / 2e-5).item()
        assert (gradient * direction).sum().item() == pytest.approx(along, rel=1e-4)
        first += size


class Nudged(prompt_diffusion._NoiseNetwork):
    """The noise predictor plus an offset (B, d) of its own at every step of one chain."""

    def __init__(self, model: PromptDiffusion, offsets: torch.Tensor):
        super().__init__(model)
        self.schedule, self.offsets = model.schedule, offsets  # (N, B, d)
        self.step = model.config.steps
        self.denoised = torch.empty_like(offsets)  # the x_0 that each step implies

    def __call__(self, x, inner, generator=None):
        self.step -= 1
        noise = super().__call__(x, inner) + self.offsets[self.step]
        signal, own = self.schedule.signal[self.step], self.schedule.noise[self.step]
        self.denoised[self.step] = ((x - own * noise) / signal).detach()[0]
        return noise


def trained() -> torch.Tensor:
    """Weights after 200 steps on prompts within ±0.7: what they denoise lies inside ±1."""
    rng = generator(5)
    learner = Learner(PromptDiffusion.fresh(SMALL, rng), 1, 1e-2)
    for _ in range(200):
        y = torch.randn(1, 64, 2, generator=rng)
        x0 = 0.5 * y[..., :1].tanh() + 0.2 * torch.rand(1, 64, FEATURES, generator=rng)
        learner.descend(learner.gradient(learner.model.loss(x0, y, rng)))
    return learner.vectors.detach()


@pytest.mark.parametrize("learned", [False, True], ids=["fresh", "trained"])
@pytest.mark.parametrize("largest", [math.inf, 1.0], ids=["Eq. 17", "clipped"])
def test_each_step_alone_reaches_what_is_written(largest, learned, monkeypatch):
    """The noise of one step moves, that of all others is what the network then says.

    Of Eq. 17 every step has a derivative. With the bound it is that of the clipped chain,
    which is no estimate of Eq. 17's: a step counts in a prompt if a number that it denoises
    lies inside ±1, unless the last step cuts off the whole prompt.
    """
    config = DiffusionConfig(FEATURES, 2, STEPS, 16, dropout=0.0, largest=largest)
    vectors = trained() if learned else PromptDiffusion.fresh(SMALL, generator()).vectors
    model = PromptDiffusion(config, vectors.double())
    y, weigh = normal(1, CHAINS, 2, seed=1), normal(1, CHAINS, FEATURES, seed=2)
    networks = []

    def written(offsets: torch.Tensor) -> torch.Tensor:
        def nudged(of: PromptDiffusion) -> Nudged:
            networks.append(Nudged(of, offsets))
            return networks[-1]

        monkeypatch.setattr(prompt_diffusion, "_NoiseNetwork", nudged)
        return (model.sample(y, generator(3), temperature=1.0) * weigh).sum()

    still = torch.zeros(STEPS, CHAINS, FEATURES, dtype=torch.float64, requires_grad=True)
    gradient = torch.autograd.grad(written(still), still)[0]
    inside = networks[0].denoised.abs() < largest
    counts = inside.any(dim=2) & inside[0].any(dim=1)  # (N, B)
    assert torch.equal(gradient.ne(0).any(dim=2), counts)
    assert not gradient[~inside].any()
    if math.isinf(largest):
        assert counts.all()
    assert counts.any(dim=1).sum() > (STEPS // 2 if learned else 1)
    direction = normal(STEPS, CHAINS, FEATURES, seed=4)
    for step in range(STEPS):
        alone = torch.zeros_like(direction)
        alone[step] = 1e-6 * direction[step]
        with torch.no_grad():
            along = ((written(alone) - written(-alone)) / 2e-6).item()
        found = (gradient[step] * direction[step]).sum().item()
        assert found == pytest.approx(along, rel=1e-4, abs=1e-5), step
