"""Layers of a stack against the layers of one network, and their independence."""

import pytest
import torch
from torch.nn import functional as F

from trajprompt.numerics.stacked_layers import embedding, layer_norm, linear

STACK = 3


def random(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(len(shape)))


@pytest.mark.parametrize("inputs", [1, 5])
def test_linear_is_that_of_each_network(inputs):
    x, weight, bias = (
        random(STACK, 4, 7, inputs),
        random(STACK, 6, inputs),
        random(STACK, 6),
    )
    expected = [F.linear(*parts) for parts in zip(x, weight, bias, strict=True)]
    torch.testing.assert_close(linear(x, weight, bias), torch.stack(expected))


def test_layer_norm_is_that_of_each_network():
    x, weight, bias = random(STACK, 4, 7, 6), random(STACK, 6), random(STACK, 6)
    expected = [
        F.layer_norm(one, (6,), w, b, 1e-5)
        for one, w, b in zip(x, weight, bias, strict=True)
    ]
    torch.testing.assert_close(layer_norm(x, weight, bias, 1e-5), torch.stack(expected))


def test_embedding_takes_rows_of_each_network():
    table, index = random(STACK, 9, 6), torch.arange(STACK * 8).view(STACK, 4, 2) % 9
    expected = [F.embedding(i, one) for i, one in zip(index, table, strict=True)]
    assert torch.equal(embedding(table, index), torch.stack(expected))


@pytest.mark.parametrize("inputs, outputs", [(1, 128), (20, 128), (128, 512), (128, 6)])
@pytest.mark.parametrize("rows", [1, 5, 2176])
def test_bits_of_a_network_do_not_depend_on_the_stack(inputs, outputs, rows):
    """Results and gradients of one network alone, in a pair, and in another place."""

    def results(x, weight, bias):
        x, weight, bias = (part.clone().requires_grad_() for part in (x, weight, bias))
        out = linear(x, weight, bias)
        loss = out.square().sum()
        return out.detach(), *torch.autograd.grad(loss, (x, weight, bias))

    parts = (
        random(STACK, rows, inputs),
        random(STACK, outputs, inputs),
        random(STACK, outputs),
    )
    together = results(*parts)
    for chosen in ([0], [2], [1, 2], [2, 0, 1]):
        alone = results(*(part[chosen] for part in parts))
        for one, all_of_them in zip(alone, together, strict=True):
            assert torch.equal(one, all_of_them[chosen])
