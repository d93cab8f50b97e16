"""The one-sided projection of Eq. 15: its identity, and that it does nothing else."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trajprompt.tuning.generation.projection import clip, conflicts, project

SIZES = [3, 4, 5]


def pair(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(seed)
    own, guide = torch.randn(2, 6, 12, generator=rng, dtype=torch.float64)
    return own, guide * torch.logspace(-3, 3, 6, dtype=torch.float64)[:, None]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000))
def test_conflict_leaves_the_way_along_the_own_gradient(seed):
    own, guide = pair(seed)
    opposed = conflicts(own, guide)
    total = own + project(own, guide, [12])
    along = (total * own).sum(dim=1, keepdim=True)
    torch.testing.assert_close(along[opposed], own.square().sum(1, keepdim=True)[opposed])
    plain = ~opposed[:, 0]
    assert torch.equal(total[plain], (own + guide)[plain])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000))
def test_layers_are_projected_each_on_its_own(seed):
    own, guide = pair(seed)
    found = project(own, guide, SIZES)
    parts = [x.split(SIZES, dim=1) for x in (own, guide, found)]
    for mine, its, projected in zip(*parts, strict=True):
        assert torch.equal(projected, project(mine, its, [mine.shape[1]]))
    # So the own loss falls at least as fast as without a guide (first order).
    assert ((own + found) * own).sum(1).min() >= own.square().sum(1).min() * (1 - 1e-12)


def test_the_projection_is_the_nearest_without_conflict():
    own, guide = pair(3)
    found = project(own, guide, [12])
    opposed = conflicts(own, guide)[:, 0]
    assert opposed.any() and not opposed.all()
    moved = (found - guide)[opposed]
    cosine = torch.cosine_similarity(moved, own[opposed], dim=1)
    torch.testing.assert_close(cosine, torch.ones_like(cosine))


def test_no_own_gradient_leaves_the_guide_as_it_is():
    _, guide = pair(0)
    assert torch.equal(project(torch.zeros_like(guide), guide, [12]), guide)


def test_clipping_is_row_by_row():
    own, _ = pair(0)
    own[0] *= 100
    own[1] *= 1e-3
    found = clip(own, 0.25)
    assert torch.equal(found[1], own[1])
    assert abs(found[0].norm() - 0.25) < 1e-6
