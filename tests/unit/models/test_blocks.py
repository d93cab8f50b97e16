"""Initial weights of the blocks."""

import math

import pytest
import torch

from trajprompt.models.blocks import Block, initialise_as_gpt2
from trajprompt.numerics.dropout import Dropout


def test_initial_weights_have_one_deviation_and_biases_are_zero():
    """0.02 everywhere as in mxu34/prompt-dt, residual projections included."""
    torch.manual_seed(0)
    blocks = torch.nn.ModuleList([Block(64, 256, Dropout(0.1)) for _ in range(4)])
    initialise_as_gpt2(blocks)
    drawn = 0
    for name, parameter in blocks.named_parameters():
        if name.endswith("bias"):
            assert not parameter.any(), name
        elif "norm" in name:
            assert (parameter == 1).all(), name
        else:
            error = 5 * 0.02 / math.sqrt(2 * parameter.numel())  # of a standard deviation
            assert parameter.std().item() == pytest.approx(0.02, abs=error), name
            drawn += 1
    assert drawn == 4 * 6
