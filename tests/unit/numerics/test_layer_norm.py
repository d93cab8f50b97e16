"""Layer norm against its float64 gradients."""

import pytest
import torch

from trajprompt.numerics.layer_norm import LayerNorm

WIDTH, TOKENS = 32, 20_000


def gradients(dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(TOKENS, WIDTH, generator=generator).bfloat16()
    upstream = (torch.randn(TOKENS, WIDTH, generator=generator) + 1.0).bfloat16()
    layer = LayerNorm(WIDTH).to(dtype)
    x = x.to(dtype).requires_grad_()
    layer(x).backward(upstream.to(dtype))
    return x.grad, layer.weight.grad, layer.bias.grad


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.bfloat16, 0.01), (torch.float32, 1e-4)]
)
def test_gradients_are_those_of_float64(dtype, tolerance):
    for found, exact in zip(gradients(dtype), gradients(torch.float64), strict=True):
        assert (found.double() - exact).norm() < tolerance * exact.norm()
