"""The two-point estimator, computed by hand and on a linear function."""

import numpy as np
import pytest
import torch

from support.tuning_problem import ROWS
from trajprompt.tuning.methods.two_point import (
    TwoPoint,
    TwoPointOptions,
    two_point_gradient,
)


def test_two_point_gradient_by_hand():
    noise = torch.eye(2).unsqueeze(0)  # two pairs along two axes
    returns = torch.tensor([[[3.0, 1.0], [1.0, 3.0]]]).double()  # deviation 1
    expected = torch.tensor([[1.0, -1.0]])
    torch.testing.assert_close(two_point_gradient(noise, returns), expected)
    scaled = two_point_gradient(noise, 100 * returns - 7)
    torch.testing.assert_close(scaled, expected)
    assert (two_point_gradient(noise, returns * 0) == 0).all()
    uneven = torch.tensor([[[3.0, 1.0], [1.0, 0.0]]]).double()
    by_value, by_exp = (two_point_gradient(noise, r)[0] for r in (uneven, uneven.exp()))
    assert by_value[0] / by_value[1] == pytest.approx(2.0)
    assert by_exp[0] / by_exp[1] > 3, "values count, not ranks"


def test_two_point_gradient_of_a_linear_function():
    """E = 2 v for a unit gradient v: each pair has returns of both signs."""
    noise = torch.randn(4000, 20, 3, generator=torch.Generator().manual_seed(0))
    values = noise[..., 0].double()
    found = two_point_gradient(noise, torch.stack([values, -values], dim=-1)).mean(dim=0)
    torch.testing.assert_close(found, torch.tensor([2.0, 0.0, 0.0]), atol=0.06, rtol=0)


def test_two_point_ignores_an_odd_last_candidate(problem):
    options = TwoPointOptions(pairs=2)
    even, odd = TwoPoint(problem, options), TwoPoint(problem, options)
    returns = np.random.default_rng(0).normal(size=(ROWS, 3))
    odd.propose(3)
    odd.learn(returns)
    noise = TwoPoint(problem, options).directions.draw(2)
    even.noise = noise[:, :1]
    even.learn(returns[:, :2])
    assert torch.equal(odd.position, even.position)
    before = odd.position
    odd.propose(1)
    odd.learn(returns[:, :1])
    assert odd.position is before
