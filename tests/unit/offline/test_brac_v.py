"""BRAC-v: the divergence between Gaussians, and the limit of its large weight."""

import pytest
import torch

from support.offline_problem import ACTIONS, batch, learner
from trajprompt.numerics.tanh_gaussian import log_density, squash
from trajprompt.offline.algorithms import brac_v


@pytest.mark.parametrize(
    "mean, std, divergence",
    [(0.5, 1.0, 0.125), (0.0, 0.5, 0.318147), (0.3, 0.5, 0.363147)],
)
def test_the_divergence_of_squashed_gaussians_is_that_of_the_gaussians(
    mean, std, divergence
):
    """KL(N(mean, std) || N(0, 1)) = -log std + (std² + mean² - 1) / 2; tanh keeps it."""
    noise = torch.randn(400_000, 1, generator=torch.Generator().manual_seed(0))
    zero = torch.zeros(1)
    actions, log_probs = squash(torch.tensor([mean]), torch.tensor([std]).log(), noise)
    found = (log_probs - log_density(actions, zero, zero)).mean()
    assert found.item() == pytest.approx(divergence, abs=5e-3)


def same_everywhere(network, mean, raw):
    """Give a policy's last layer outputs that do not depend on the state."""
    with torch.no_grad():
        network.layers[-1].weight.zero_()
        network.layers[-1].bias[..., :ACTIONS] = mean
        network.layers[-1].bias[..., ACTIONS:] = raw


def test_the_sampled_divergence_of_the_policy_from_its_clone():
    """Equal log standard deviations of -2.5: mean shift of 0.1, sum over two actions."""
    ours = learner("brac-v", [0], samples=2000)
    same_everywhere(ours.actor, 0.1, 0.0)
    same_everywhere(ours.behaviour, 0.0, 0.0)
    _, divergence = ours._sample(batch([0]).states)
    std = torch.tensor(brac_v.LOG_STD_RANGE).mean().exp().item()
    expected = ACTIONS * 0.5 * (0.1 / std) ** 2
    assert divergence.mean().item() == pytest.approx(expected, rel=0.02)


def test_the_penalty_lowers_the_targets_of_values():
    """With alpha, a target loses alpha times discount times the divergence."""
    data = batch([0])._replace(terminations=torch.zeros(1, 16))
    found = {}
    for alpha in (0.0, 0.1):
        ours = learner("brac-v", [0], updates=1, alpha=alpha, clone_share=0.0, discount=0.5)
        same_everywhere(ours.actor, 0.1, 0.0)
        same_everywhere(ours.behaviour, 0.0, 0.0)
        with torch.no_grad():
            for network in (ours.critic, ours.target_critic):
                network.network.layers[-1].weight.zero_()
                network.network.layers[-1].bias.zero_()
        state = ours.noise.state()
        _, divergence = ours._sample(data.next_states)
        ours.noise.restore(state)
        targets = data.rewards - 0.5 * alpha * divergence
        found[alpha] = ours._update_critic(data)
        torch.testing.assert_close(found[alpha], 2 * targets.square().mean(-1))
    assert not torch.equal(found[0.0], found[0.1])


def distance_to_clone(alpha):
    options = {"alpha": alpha, "clone_share": 0.3, "warm_share": 0.0}
    rates = {"policy_rate": 3e-3, "clone_rate": 3e-3}
    ours = learner("brac-v", [0], updates=600, **options, **rates)
    for number in range(600):
        ours.update(batch([0], number % 4))
    states = torch.cat([batch([0], number).states for number in range(4)], 1)
    pair = (brac_v._gaussian(one, states)[0].tanh() for one in (ours.actor, ours.behaviour))
    return (next(pair) - next(pair)).square().mean().item()


def test_a_large_weight_of_the_divergence_keeps_the_clone():
    kept, free = distance_to_clone(1e3), distance_to_clone(0.0)
    assert kept < 0.02 < 0.1 < free
