"""Encoders of contexts: products of Gaussians, the prior, and the order of transitions."""

import pytest
import torch

from support.offline_problem import generators
from trajprompt.numerics.networks import StackedMLP
from trajprompt.offline.meta.encoder import (
    divergence_from_prior,
    mean_code,
    posterior,
    product_of_gaussians,
)


def test_the_product_of_equal_gaussians_has_the_variance_of_a_mean():
    means, variances = torch.full((1, 1, 5, 2), 0.7), torch.full((1, 1, 5, 2), 0.4)
    mean, variance = product_of_gaussians(means, variances)
    torch.testing.assert_close(mean, torch.full((1, 1, 2), 0.7))
    torch.testing.assert_close(variance, torch.full((1, 1, 2), 0.4 / 5))


def test_a_mean_is_weighted_by_precision():
    """Precisions of 1 and 4: (1 · 0 + 4 · 1) / 5."""
    means, variances = torch.tensor([[[[0.0], [1.0]]]]), torch.tensor([[[[1.0], [0.25]]]])
    mean, variance = product_of_gaussians(means, variances)
    assert mean.item() == pytest.approx(0.8)
    assert variance.item() == pytest.approx(0.2)


@pytest.mark.parametrize(
    "mean, std, prior, expected",
    [
        (0.0, 1.0, 1.0, 0.0),
        (0.5, 1.0, 1.0, 0.125),
        (0.0, 0.5, 1.0, 0.318147),
        (0.3, 0.5, 1.0, 0.363147),
        (1.0, 0.05, 0.05, 200.0),
    ],
)
def test_the_divergence_from_the_prior_is_summed_over_dimensions(
    mean, std, prior, expected
):
    found = divergence_from_prior(torch.full((3,), mean), torch.full((3,), std**2), prior)
    assert found.item() == pytest.approx(3 * expected, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("encode", [mean_code, lambda *of: torch.cat(posterior(*of), -1)])
def test_the_order_of_transitions_has_no_effect_but_each_one_has(encode):
    network = StackedMLP(2, (4, 8, 6), generators([0, 1]))
    context = torch.randn(2, 3, 5, 4, generator=torch.Generator().manual_seed(0))
    codes = encode(network, context)
    assert codes.shape[:2] == (2, 3)
    torch.testing.assert_close(encode(network, context.flip(2)), codes)
    changed = context.clone()
    changed[:, 1, 4] += 1
    differs = (encode(network, changed) != codes).any(-1)
    assert differs.tolist() == [[False, True, False]] * 2


def test_codes_of_the_mean_are_bounded():
    network = StackedMLP(1, (4, 8, 6), generators([0]))
    codes = mean_code(network, 1000 * torch.ones(1, 1, 3, 4))
    assert codes.abs().max() <= 1
