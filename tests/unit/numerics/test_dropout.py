"""Dropout: its rate, scale and gradient."""

import math

import pytest
import torch

from trajprompt.numerics.dropout import Dropout


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_dropout_rate_scale_and_gradient(dtype):
    layer = Dropout(0.1).train()
    x = torch.ones(1000, 1001, dtype=dtype, requires_grad=True)
    y = layer(x)
    dropped = (y == 0).double().mean().item()
    assert dropped == pytest.approx(0.1, abs=5 * math.sqrt(0.1 * 0.9 / x.numel()))
    assert y.max().item() == pytest.approx(1 / 0.9, rel=4e-3)
    rows = (y == 0).double().mean(dim=1)  # independent entries: binomial spread over rows
    assert rows.std().item() == pytest.approx(math.sqrt(0.09 / 1001), rel=0.1)
    y.sum().backward()
    torch.testing.assert_close(x.grad, y.detach())
    assert not torch.equal(layer(x), y)
    layer.reseed(0)
    assert torch.equal(layer(x), y)
    assert layer.eval()(x) is x
