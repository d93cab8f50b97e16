"""The one-sided projection of Eq. 15: its effect in conflicts, and none elsewhere."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trajprompt.tuning.generation.projection import clip, conflicts, project

SIZES = [3, 4, 5]


def pair(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(seed)
    base, guide = torch.randn(2, 6, 12, generator=rng, dtype=torch.float64)
    return base, guide * torch.logspace(-3, 3, 6, dtype=torch.float64)[:, None]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000))
def test_conflict_does_not_change_the_component_along_the_base_gradient(seed):
    base, guide = pair(seed)
    opposed = conflicts(base, guide)
    total = base + project(base, guide, [12])
    along = (total * base).sum(dim=1, keepdim=True)
    torch.testing.assert_close(along[opposed], base.square().sum(1, keepdim=True)[opposed])
    plain = ~opposed[:, 0]
    assert torch.equal(total[plain], (base + guide)[plain])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000))
def test_layers_are_projected_separately(seed):
    base, guide = pair(seed)
    found = project(base, guide, SIZES)
    parts = [x.split(SIZES, dim=1) for x in (base, guide, found)]
    for base_part, guide_part, projected in zip(*parts, strict=True):
        alone = project(base_part, guide_part, [base_part.shape[1]])
        assert torch.equal(projected, alone)
    # So the generator's loss falls at least as fast as without a guide (first order).
    assert ((base + found) * base).sum(1).min() >= base.square().sum(1).min() * (1 - 1e-12)


def test_the_projection_is_the_nearest_without_conflict():
    base, guide = pair(3)
    found = project(base, guide, [12])
    opposed = conflicts(base, guide)[:, 0]
    assert opposed.any() and not opposed.all()
    moved = (found - guide)[opposed]
    cosine = torch.cosine_similarity(moved, base[opposed], dim=1)
    torch.testing.assert_close(cosine, torch.ones_like(cosine))


def test_a_zero_base_gradient_does_not_change_the_guide():
    _, guide = pair(0)
    assert torch.equal(project(torch.zeros_like(guide), guide, [12]), guide)


def test_clipping_is_row_by_row():
    gradient, _ = pair(0)
    gradient[0] *= 100
    gradient[1] *= 1e-3
    found = clip(gradient, 0.25)
    assert torch.equal(found[1], gradient[1])
    assert abs(found[0].norm() - 0.25) < 1e-6
