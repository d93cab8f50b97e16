"""Stacked networks against separate ones in plain PyTorch."""

import pytest
import torch
from torch import nn

from support.collection import generator
from trajprompt.numerics.flat_adamw import FlatAdamW
from trajprompt.numerics.networks import StackedMLP, flatten_parameters


def separate(stack: StackedMLP, member: int) -> nn.Sequential:
    """An ordinary torch network with the weights of one member."""
    parts: list[nn.Module] = []
    for layer in stack.layers:
        plain = nn.Linear(layer.weight.shape[1], layer.weight.shape[2])
        plain.weight.data = layer.weight.data[member].T.clone()
        plain.bias.data = layer.bias.data[member, 0].clone()
        parts += [
            plain,
            nn.LayerNorm(plain.out_features, elementwise_affine=False),
            nn.ReLU(),
        ]
    kept = parts[:-2] if stack.layer_norm else [p for p in parts if _plain(p)][:-1]
    return nn.Sequential(*kept)


def _plain(part: nn.Module) -> bool:
    return not isinstance(part, nn.LayerNorm)


@pytest.mark.parametrize("layer_norm", [False, True])
def test_a_stack_equals_separate_networks_before_and_after_learning(layer_norm):
    stack = StackedMLP(3, (5, 8, 8, 2), generator(), layer_norm)
    singles = [separate(stack, member) for member in range(3)]
    vector = flatten_parameters(stack)
    optimiser = FlatAdamW(vector, 1e-2)
    single_optimisers = [torch.optim.Adam(net.parameters(), lr=1e-2) for net in singles]
    for round_ in range(3):
        x = torch.randn(3, 4, 5, generator=generator(round_))
        optimiser.minimise(stack(x).square().mean((1, 2)).sum())
        for member, (net, single) in enumerate(
            zip(singles, single_optimisers, strict=True)
        ):
            single.zero_grad()
            net(x[member]).square().mean().backward()
            single.step()
    expected = torch.stack([net(x[member]) for member, net in enumerate(singles)])
    torch.testing.assert_close(stack(x), expected, rtol=1e-4, atol=1e-6)


def test_frozen_networks_pass_gradients_to_inputs_only():
    stack = StackedMLP(1, (3, 4, 1), generator())
    vector = flatten_parameters(stack)
    x = torch.randn(1, 32, 3, generator=generator(), requires_grad=True)
    stack(x, frozen=True).sum().backward()
    assert x.grad is not None and x.grad.abs().sum() > 0
    assert vector.grad is not None and vector.grad.abs().sum() == 0
