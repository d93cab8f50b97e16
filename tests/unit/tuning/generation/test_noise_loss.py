"""L_DM and its hand-written gradient against PyTorch's graph, in float64."""

import pytest
import torch
from torch.nn import functional as F

from trajprompt.seeds import stream, torch_generator
from trajprompt.tuning.generation.diffusion import DiffusionConfig, noise_layers
from trajprompt.tuning.generation.noise_loss import NoisyPrompts, noise_loss

CONFIG = DiffusionConfig(features=7, conditions=3, width=16)
ROWS, BATCH = 3, 5


def given(rate: float) -> NoisyPrompts:
    rng = torch_generator(stream(1, "test"))
    normal = [
        torch.randn(ROWS, BATCH, size, generator=rng).double() for size in (7, 3, 16, 7)
    ]
    if rate == 0:
        return NoisyPrompts(*normal, (None, None))
    drawn = [torch.rand(ROWS, BATCH, 16, generator=rng) for _ in range(2)]
    masks = [(x >= rate).double() / (1 - rate) for x in drawn]
    return NoisyPrompts(*normal, (masks[0], masks[1]))


def graph_loss(vectors: torch.Tensor, noisy: NoisyPrompts) -> torch.Tensor:
    """The same loss, of PyTorch's operations."""
    time_in, time_out, first, second, last = noise_layers(CONFIG).open(vectors)
    times = time_out(F.mish(time_in(noisy.times)))
    x = F.mish(first(torch.cat([noisy.x, noisy.y, times], dim=-1)))
    x = x if noisy.masks[0] is None else x * noisy.masks[0]
    x = F.mish(second(x))
    x = x if noisy.masks[1] is None else x * noisy.masks[1]
    return (last(x) - noisy.noise).square().mean(dim=(1, 2))


@pytest.mark.parametrize("rate", [0.0, 0.4])
def test_loss_and_gradient_equal_those_of_the_graph(rate):
    layers, noisy = noise_layers(CONFIG), given(rate)
    fresh = layers.initial(torch_generator(stream(0, "test"))).double()
    vectors = (2 * fresh.repeat(ROWS, 1)).requires_grad_()
    found, expected = noise_loss(vectors, layers, noisy), graph_loss(vectors, noisy)
    torch.testing.assert_close(found, expected)
    weigh = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)  # one weight per row
    gradients = [
        torch.autograd.grad((losses * weigh).sum(), vectors)[0]
        for losses in (found, expected)
    ]
    torch.testing.assert_close(*gradients, rtol=1e-10, atol=1e-12)
