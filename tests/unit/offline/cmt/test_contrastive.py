"""InfoNCE against closed forms."""

import math

import pytest
import torch

from trajprompt.offline.cmt.contrastive import info_nce, retrieved

ALONE = torch.arange(64)  # every prompt is of a group of its own


def test_orthogonal_prompts_have_the_closed_form():
    prompts = torch.eye(64)
    expected = -math.log(math.exp(10) / (math.exp(10) + 63))
    assert info_nce(prompts, prompts, ALONE, 0.1).item() == pytest.approx(
        expected, rel=1e-4
    )
    assert expected == pytest.approx(0.0028561, rel=1e-4)


def test_equal_prompts_cannot_be_told_apart():
    prompts = torch.ones(64, 8)
    found = info_nce(prompts, prompts, ALONE, 0.1)
    assert found.item() == pytest.approx(math.log(64), rel=1e-6)


def test_a_common_rotation_and_positive_factors_change_nothing():
    g = torch.Generator().manual_seed(0)
    first, second = (torch.randn(64, 8, generator=g) for _ in range(2))
    rotation, _ = torch.linalg.qr(torch.randn(8, 8, generator=g))
    factors = torch.rand(64, 1, generator=g) + 0.5
    found = info_nce(factors * (first @ rotation), second @ rotation, ALONE, 0.1)
    torch.testing.assert_close(found, info_nce(first, second, ALONE, 0.1))


def test_others_of_the_group_are_no_negatives():
    """Four prompts, two groups: each anchor has its positive and two negatives."""
    g = torch.Generator().manual_seed(0)
    first, second = (torch.randn(4, 8, generator=g) for _ in range(2))
    groups = torch.tensor([0, 0, 1, 1])
    unit = [x / x.norm(dim=1, keepdim=True) for x in (first, second)]
    expected = []
    for row in range(4):
        scores = [unit[0][row] @ unit[1][other] / 0.1 for other in range(4)]
        others = [n for n in range(4) if n == row or groups[n] != groups[row]]
        total = sum(math.exp(scores[n]) for n in others)
        expected.append(-math.log(math.exp(scores[row]) / total))
    found = info_nce(first, second, groups, 0.1)
    assert found.item() == pytest.approx(sum(expected) / 4, rel=1e-5)


def test_retrieved_counts_the_nearest_of_the_group():
    anchors = torch.eye(4)
    others = torch.eye(4)[[1, 0, 3, 2]]
    assert retrieved(anchors, others, torch.tensor([0, 0, 1, 1])).item() == 1
    assert retrieved(anchors, others, torch.arange(4)).item() == 0
