"""Implicit Q-learning: the expectile, and the values of a small decision process."""

import pytest
import torch

from support.offline_problem import learner, transitions
from trajprompt.offline.algorithms.iql import expectile_loss


@pytest.mark.parametrize("expectile, value", [(0.5, 0.5), (0.7, 0.604356), (0.9, 0.75)])
def test_the_expectile_of_uniform_numbers(expectile, value):
    draws = (torch.arange(20_000, dtype=torch.float64) + 0.5) / 20_000
    found = torch.tensor(0.2, dtype=torch.float64, requires_grad=True)
    for _ in range(200):
        loss = expectile_loss(draws - found, expectile).mean()
        (slope,) = torch.autograd.grad(loss, found)
        found = (found - 0.5 * slope).detach().requires_grad_()
    assert found.item() == pytest.approx(value, abs=1e-5)


def test_at_one_half_the_loss_is_half_the_squared_error():
    errors = torch.linspace(-2, 3, 11)
    torch.testing.assert_close(expectile_loss(errors, 0.5), errors.square() / 2)


# From each state the action -0.5 leads to the first state and 0.5 to the second, where it
# is worth 1 to stay; the first state pays 0.2 for staying.
DECISIONS = [
    (0, -0.5, 0.2, 0, 0.0),
    (0, 0.5, 0.0, 1, 0.0),
    (1, -0.5, 0.0, 0, 0.0),
    (1, 0.5, 1.0, 1, 0.0),
]


def learned(expectile):
    options = {"discount": 0.5, "target_rate": 0.05, "learning_rate": 0.01, "width": 32}
    found = learner("iql", [0], updates=1500, expectile=expectile, **options)
    data = transitions(DECISIONS)
    for _ in range(1500):
        found.update(data)
    return found, data


def test_a_high_expectile_gives_the_values_of_the_best_actions():
    """V of the second state is 1 / (1 - 0.5), of the first 0.5 times that."""
    found, data = learned(0.99)
    values = found.value(data.states)[0, [0, 2], 0]
    torch.testing.assert_close(values, torch.tensor([1.0, 2.0]), atol=0.1, rtol=0)
    critic = found.critic(data.states, data.actions)[:, 0, :4]
    expected = torch.tensor([0.7, 1.0, 0.5, 2.0]).expand(2, 4)
    torch.testing.assert_close(critic, expected, atol=0.1, rtol=0)


def test_an_expectile_of_one_half_gives_the_values_of_the_data():
    """V = mean of r + V(s') / 2 over the two actions: 0.4 and 0.8."""
    found, data = learned(0.5)
    values = found.value(data.states)[0, [0, 2], 0]
    torch.testing.assert_close(values, torch.tensor([0.4, 0.8]), atol=0.02, rtol=0)


def test_the_policy_prefers_the_better_action():
    found, data = learned(0.9)
    actions = found.actor(data.states).tanh()[0, [0, 2], 0]
    assert (actions > 0.1).all()
