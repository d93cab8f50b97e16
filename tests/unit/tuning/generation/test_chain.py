"""The chain's hand-written gradient against PyTorch's graph of the same steps."""

import dataclasses
import math

import pytest
import torch

from trajprompt.seeds import stream, torch_generator
from trajprompt.tuning.generation.diffusion import DiffusionConfig, PromptDiffusion

CONFIG = DiffusionConfig(features=7, conditions=3, steps=25, width=16)
ROWS, CHAINS = 3, 4


def generator(seed: int) -> torch.Generator:
    return torch_generator(stream(seed, "test"))


def model(largest: float, dtype: torch.dtype, scale: float = 2.0) -> PromptDiffusion:
    config = dataclasses.replace(CONFIG, largest=largest)
    fresh = PromptDiffusion.fresh(config, generator(0))
    spread = 1 + 0.3 * torch.rand(ROWS, fresh.vectors.shape[1], generator=generator(5))
    vectors = (scale * spread * fresh.vectors).to(dtype)
    return fresh.with_vectors(vectors.requires_grad_())


@pytest.mark.parametrize("largest", [math.inf, 1.0])
def test_sample_and_gradient_equal_those_of_the_graph(largest):
    diffusion = model(largest, torch.float64)
    y = torch.randn(ROWS, CHAINS, 3, generator=generator(1)).double()
    weigh = torch.randn(ROWS, CHAINS, 7, generator=generator(2)).double()
    found = diffusion.sample(y, generator(3), temperature=0.7)
    *_, last = diffusion.denoise(y, generator(3), temperature=0.7)
    torch.testing.assert_close(found, last.x, rtol=1e-11, atol=1e-13)
    found, expected = (
        torch.autograd.grad((x0 * weigh).sum(), diffusion.vectors)[0]
        for x0 in (found, last.x)
    )
    assert (expected != 0).any(dim=1).all()
    assert (found - expected).norm(dim=1).max() < 1e-9 * expected.norm(dim=1).min()
    if largest == 1.0:
        assert (last.implied.abs() > 1).any() and (last.implied.abs() < 1).any()


def test_the_gradient_is_that_of_the_step_in_float32():
    diffusion = model(1.0, torch.float32, scale=1.0)
    y = torch.randn(ROWS, CHAINS, 3, generator=generator(1))
    *_, last = diffusion.denoise(y, generator(3), temperature=1.0)
    samples = diffusion.sample(y, generator(3), temperature=1.0), last.x
    found, expected = (
        torch.autograd.grad(x0.square().sum(), diffusion.vectors)[0] for x0 in samples
    )
    assert (found - expected).norm() < 1e-4 * expected.norm()
