"""Distance metric of FOCAL: its closed forms."""

import pytest
import torch

from trajprompt.offline.meta.distance import EPSILON, distance_loss

ONE = 1 + EPSILON  # the divisor of a single pair


def loss(codes, tasks):
    """Loss of one seed; each code is a number that all of four dimensions have."""
    codes = torch.tensor(codes, dtype=torch.float64)[:, None].expand(-1, 4)
    return distance_loss(codes[None], torch.tensor([tasks])).item()


@pytest.mark.parametrize(
    "codes, tasks, expected",
    [
        ([1.0, 1.0], [0, 0], 0.0316228 / ONE),
        ([1.0, -1.0], [0, 1], 0.243902 / ONE),
        ([1.0, 1.0], [0, 1], 10.0 / ONE),
    ],
)
def test_a_single_pair(codes, tasks, expected):
    """The root of 1e-3; 1 / (4 + 0.1), as d² is a mean over dimensions; 1 / 0.1."""
    assert loss(codes, tasks) == pytest.approx(expected, rel=1e-5)


def test_several_tasks_have_a_mean_per_kind_of_pair():
    """Of three codes one pair is positive and identical, two are negative and opposite."""
    expected = 0.0316228 / ONE + 2 * 0.243902 / (2 + EPSILON)
    assert loss([1.0, 1.0, -1.0], [5, 5, 2]) == pytest.approx(expected, rel=1e-5)


def test_without_a_pair_of_a_kind_its_part_is_zero():
    """One positive and one negative pair together give 0.275250."""
    both = loss([1.0, 1.0], [3, 3]) + loss([1.0, -1.0], [0, 1])
    assert both == pytest.approx(0.275250, abs=1e-6)
    assert loss([1.0], [0]) == 0


def test_the_order_of_codes_has_no_effect():
    draws = torch.Generator().manual_seed(0)
    codes = torch.rand(1, 6, 3, generator=draws, dtype=torch.float64)
    tasks = torch.tensor([[0, 1, 1, 2, 0, 3]])
    order = torch.randperm(6, generator=draws)
    moved = distance_loss(codes[:, order], tasks[:, order])
    torch.testing.assert_close(distance_loss(codes, tasks), moved)


def test_equal_codes_of_one_task_have_finite_gradients():
    codes = torch.ones(1, 2, 3, requires_grad=True)
    distance_loss(codes, torch.tensor([[0, 0]])).sum().backward()
    assert torch.equal(codes.grad, torch.zeros(1, 2, 3))
