"""Dual divergence and gradient penalty: their closed forms."""

import math

import pytest
import torch
from torch.distributions import Normal

from support.offline_problem import generators
from trajprompt.numerics.networks import StackedMLP
from trajprompt.offline.meta.divergence import dual_divergence, gradient_penalty
from trajprompt.offline.meta.options import FocalOptions
from trajprompt.offline.meta.regulariser import Regulariser


def test_an_output_of_zero():
    """Softplus is log 2: log log 2 - log 2 + 1."""
    expected = math.log(math.log(2)) - math.log(2) + 1
    assert expected == pytest.approx(-0.059660, abs=1e-6)
    assert dual_divergence(torch.zeros(1), torch.zeros(1)).item() == pytest.approx(expected)


def test_the_best_discriminator_gives_the_divergence():
    """KL(N(0.5, 1) || N(0, 1)) = 0.125; the inverse of softplus is log(exp(x) - 1)."""
    ours, theirs = Normal(0.5, 1.0), Normal(0.0, 1.0)
    noise = torch.randn(400_000, generator=torch.Generator().manual_seed(0))

    def best(actions):
        ratio = (ours.log_prob(actions) - theirs.log_prob(actions)).exp()
        return ratio.expm1().log()

    found = dual_divergence(best(noise + 0.5), best(noise)).mean()
    assert found.item() == pytest.approx(0.125, abs=5e-3)


def random_pair():
    draws = torch.Generator().manual_seed(0)
    ours, logged = (torch.rand(1, 7, 2, generator=draws) * 2 - 1 for _ in range(2))
    return ours, logged, torch.rand(1, 7, generator=draws)


@pytest.mark.parametrize("slope, expected", [(3.0, 20.0), (1.0, 0.0), (0.5, 0.0)])
def test_the_penalty_of_a_linear_discriminator(slope, expected):
    """5 (slope - 1)² if the slope exceeds 1, whatever the actions and the outputs are."""
    weight = slope * torch.tensor([0.6, 0.8])
    found = gradient_penalty(lambda actions: actions @ weight + 9, *random_pair())
    assert found.item() == pytest.approx(expected, abs=1e-4)


def test_the_penalty_trains_the_discriminator():
    weight = torch.tensor([0.0, 3.0], requires_grad=True)
    gradient_penalty(lambda actions: actions @ weight, *random_pair()).sum().backward()
    torch.testing.assert_close(weight.grad, torch.tensor([0.0, 20.0]))  # 10 (slope - 1)


def test_the_literal_penalty_is_one_of_outputs():
    found = gradient_penalty(
        lambda actions: 0 * actions.sum(-1) + 3, *random_pair(), of_values=True
    )
    assert found.item() == pytest.approx(20.0, abs=1e-4)


@pytest.mark.parametrize("share, expected", [(0.0, -0.5), (1.0, 0.5), (0.75, 0.25)])
def test_the_penalty_is_computed_between_the_actions(share, expected):
    seen = []
    ours, logged = torch.full((1, 2, 1), -0.5), torch.full((1, 2, 1), 0.5)
    gradient_penalty(
        lambda actions: seen.append(actions) or actions[..., 0],
        ours,
        logged,
        torch.full((1, 2), share),
    )
    torch.testing.assert_close(seen[0].detach(), torch.full((1, 2, 1), expected))


def test_alpha_rises_above_the_target_falls_below_it_and_stays_in_its_range():
    options = FocalOptions(
        alpha=5.0, largest_alpha=6.0, alpha_rate=2.0, target_divergence=0.5
    )
    network = StackedMLP(3, (2, 4, 1), generators([0, 1, 2]))
    ours = Regulariser(network, options, "cpu")
    ours.adapt(torch.tensor([[0.5, 0.9], [0.4, 0.2], [2.0, 3.0]]))
    torch.testing.assert_close(ours.alpha, torch.tensor([5.4, 4.6, 6.0]))
    ours.adapt(torch.tensor([[-9.0], [0.5], [0.0]]))  # at once down from the maximum
    torch.testing.assert_close(ours.alpha, torch.tensor([0.0, 4.6, 5.0]))
