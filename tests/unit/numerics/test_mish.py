"""Mish and its derivative against PyTorch's."""

import pytest
import torch
from torch.nn import functional as F

from trajprompt.numerics.mish import mish, mish_and_slope

TOLERANCES = {torch.float64: 1e-13, torch.float32: 3e-6}


@pytest.mark.parametrize("dtype", TOLERANCES)
def test_equals_pytorch_for_all_magnitudes(dtype):
    small = torch.linspace(-25, 60, 10_001, dtype=dtype)
    x = torch.cat([small, torch.tensor([-1e4, -300.0, 300.0, 1e4], dtype=dtype)])
    x.requires_grad_()
    expected = F.mish(x)
    slope = torch.autograd.grad(expected.sum(), x)[0]
    x.detach_()
    tolerance = {"rtol": TOLERANCES[dtype], "atol": TOLERANCES[dtype]}
    torch.testing.assert_close(mish(x), expected.detach(), **tolerance)
    found = mish_and_slope(x)
    torch.testing.assert_close(found[0], expected.detach(), **tolerance)
    torch.testing.assert_close(found[1], slope, **tolerance)


def test_writes_into_a_given_tensor():
    x, out = torch.randn(3, 4), torch.empty(3, 4)
    assert mish(x, out=out) is out
    assert torch.equal(out, mish(x))
