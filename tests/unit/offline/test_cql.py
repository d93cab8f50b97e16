"""The conservative penalty: closed forms of its value and of its gradient."""

import math

import torch

from trajprompt.offline.algorithms.cql import conservative_penalty


def test_the_penalty_of_a_constant_value():
    count, actions, level = 40, 3, 1.7
    densities = torch.full((1, 1, count), -actions * math.log(2))
    others = torch.full((2, 1, 1, count), level)
    found = conservative_penalty(others, densities, torch.zeros(2, 1, 1))
    expected = level + math.log(count) + actions * math.log(2)
    torch.testing.assert_close(found, torch.full((2, 1, 1), expected))


def test_the_penalty_estimates_an_integral():
    draws = torch.linspace(-1, 1, 20_001)[None, None]
    others = (-draws.square() / 0.5).expand(2, 1, 1, -1)
    densities = torch.full(draws.shape, -math.log(2))
    found = conservative_penalty(others, densities, torch.zeros(2, 1, 1))
    integral = found - math.log(draws.numel())
    torch.testing.assert_close(
        integral.exp(), torch.full((2, 1, 1), 1.196288), rtol=1e-4, atol=0
    )


def test_importance_weights_remove_the_density_of_the_samples():
    """Samples with density (1 + a) / 2 estimate the same integral as uniform ones."""
    uniform = (torch.arange(20_000) + 0.5) / 20_000
    draws = 2 * uniform.sqrt() - 1  # inverse of the distribution function
    others = (-draws.square() / 0.5).expand(2, 1, 1, -1)
    densities = ((1 + draws) / 2).log()[None, None]
    found = conservative_penalty(others, densities, torch.zeros(2, 1, 1))
    integral = found - math.log(draws.numel())
    torch.testing.assert_close(
        integral.exp(), torch.full((2, 1, 1), 1.196288), rtol=1e-3, atol=0
    )


def test_the_gradient_is_the_weights_of_a_softmax_less_one_for_the_data():
    generator = torch.Generator().manual_seed(0)
    others = torch.randn(2, 1, 3, 5, generator=generator, requires_grad=True)
    densities = torch.randn(1, 3, 5, generator=generator)
    found = torch.zeros(2, 1, 3, requires_grad=True)
    conservative_penalty(others, densities, found).sum().backward()
    ratios = others.detach().exp() / densities.exp()
    torch.testing.assert_close(others.grad, ratios / ratios.sum(-1, keepdim=True))
    torch.testing.assert_close(found.grad, -torch.ones(2, 1, 3))
