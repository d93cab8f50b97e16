"""Master weights with updates below the resolution of bfloat16."""

import pytest
import torch

from trajprompt.numerics.master_weights import MasterWeights


def test_master_weights_accumulate_below_bfloat16():
    layer = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.ones_(layer.weight)
    weights = MasterWeights(layer, torch.bfloat16, 1e-4, 0.0)
    for _ in range(40):  # one step is 1e-4; bfloat16 next to 1 resolves 4e-3
        layer(torch.ones(1, 1, dtype=torch.bfloat16)).sum().backward()
        weights.step(1e-4, clip=1.0, norm=weights.gradient_norm())
    weights.release()
    assert layer.weight.dtype is torch.float32 and layer.weight.grad is None
    assert layer.weight.item() == pytest.approx(1.0 - 40e-4, abs=1e-5)
