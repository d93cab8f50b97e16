"""AdamW of a stack against the optimiser of one model."""

import pytest
import torch
from torch import nn

from trajprompt.numerics.master_weights import MasterWeights
from trajprompt.numerics.stacked_weights import ALIGNMENT, StackedWeights

RATE, CLIP, DECAY = 0.01, 0.5, 0.1


def make_model(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(5, 3), nn.Linear(3, 7), nn.Linear(7, 2))
    return model.requires_grad_(True)


def loss(weight: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    return (weight * 3).square().sum() + other.sum()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_steps_are_those_of_each_model(dtype):
    models, alone = [make_model(0), make_model(1)], [make_model(0), make_model(1)]
    for model in (*models, *alone):
        model[2].requires_grad_(False)  # frozen: not in the matrix
    stacked = StackedWeights(models, dtype, DECAY)
    stacked.learning_rate.fill_(RATE)
    singles = [MasterWeights(model, dtype, RATE, DECAY) for model in alone]
    for _ in range(3):
        parts = stacked.parameters()
        total = loss(parts["0.weight"].float(), parts["1.bias"].float())
        (gradient,) = torch.autograd.grad(total, stacked.working)
        norms = stacked.step(gradient, CLIP)
        for index, (model, single) in enumerate(zip(alone, singles, strict=True)):
            loss(model[0].weight.float(), model[1].bias.float()).backward()
            norm = single.gradient_norm()
            torch.testing.assert_close(norms[index], norm)
            single.step(RATE, CLIP, norm)
    stacked.release()
    for model, expected, single in zip(models, alone, singles, strict=True):
        single.release()
        for name, parameter in model.named_parameters():
            torch.testing.assert_close(parameter, expected.get_parameter(name), msg=name)


def test_parameters_are_aligned():
    weights = StackedWeights([make_model(0), make_model(1)], torch.float32, DECAY)
    start = weights.working.data_ptr()
    for part in weights.parameters().values():
        assert (part.data_ptr() - start) % (4 * ALIGNMENT) == 0
    assert weights.parameters()["1.weight"].shape == (2, 7, 3)
