"""The fused perceptron against autograd."""

import torch
from torch.nn import functional as F

from trajprompt.numerics.linear import relu_mlp


def test_relu_mlp_gradients():
    torch.manual_seed(0)
    shapes = [(3, 5, 4), (7, 4), (7,), (4, 7), (4,)]
    inputs = [torch.randn(s, dtype=torch.float64, requires_grad=True) for s in shapes]
    assert torch.autograd.gradcheck(relu_mlp, inputs)
    x, *weights = inputs
    expected = F.linear(F.relu(F.linear(x, *weights[:2])), *weights[2:])
    torch.testing.assert_close(relu_mlp(x, *weights), expected)
    with torch.no_grad():
        torch.testing.assert_close(relu_mlp(x, *weights), expected)
