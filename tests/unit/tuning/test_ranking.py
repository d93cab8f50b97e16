"""Closed forms and invariances of the rank-based estimator (ZO-RankSGD, Eq. 3)."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trajprompt.errors import TrajpromptError
from trajprompt.seeds import stream, torch_generator
from trajprompt.tuning.ranking import rank_gradient, rank_weights

SIZES = [(15, 15), (15, 5), (10, 1), (15, 14)]  # (m, k)


def edges(objectives: torch.Tensor, ranked: int) -> list[tuple[int, int]]:
    """Return E by definition: better -> worse, from a ranked point to every worse one."""
    order = objectives.argsort().tolist()
    best = set(order[:ranked])
    pairs = itertools.permutations(range(len(objectives)), 2)
    return [(i, j) for i, j in pairs if i in best and objectives[i] < objectives[j]]


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch_generator(stream(seed, "test")))


@pytest.mark.parametrize(("m", "k"), SIZES)
def test_number_of_edges(m, k):
    assert len(edges(normal(m), k)) == k * m - k * (k + 1) // 2


@pytest.mark.parametrize(("m", "k"), SIZES)
def test_estimator_equals_the_explicit_sum_over_pairs(m, k):
    noise, objectives = normal(4, m, 7), normal(4, m, seed=1)
    found = rank_gradient(noise, objectives, k)
    for row in range(4):
        pairs = edges(objectives[row], k)
        explicit = sum(noise[row, j] - noise[row, i] for i, j in pairs) / len(pairs)
        torch.testing.assert_close(found[row], explicit, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("m", "k"), SIZES)
def test_exact_integer_weights(m, k):
    count = k * m - k * (k + 1) / 2
    weights = rank_weights(torch.arange(m).float(), k) * count
    expected = [2 * r - (m - 1) if r < k else k for r in range(m)]
    torch.testing.assert_close(weights, torch.tensor(expected).float())
    assert sum(expected) == 0


@pytest.mark.parametrize("m", [5, 10, 15])
def test_projection_and_variance_of_a_full_ranking(m):
    """For linear f with unit gradient v, E[g v] = 2 / sqrt(pi); the variance is known."""
    noise = normal(200_000, m, 2)  # v is the first axis
    gradient = rank_gradient(noise, noise[..., 0], m)
    assert gradient[:, 0].mean() == pytest.approx(2 / math.sqrt(math.pi), rel=0.01)
    assert gradient[:, 1].var() == pytest.approx(4 * (m + 1) / (3 * m * (m - 1)), rel=0.01)


@pytest.mark.parametrize(("m", "k"), SIZES)
def test_variance_of_a_partial_ranking(m, k):
    weights = rank_weights(torch.arange(m).float(), k)
    noise = normal(200_000, m, 2, seed=3)
    gradient = rank_gradient(noise, noise[..., 0], k)
    assert gradient[:, 1].var() == pytest.approx(float(weights.square().sum()), rel=0.01)


@pytest.mark.parametrize(("dimensions", "cosine"), [(40, 0.49), (135, 0.29), (220, 0.23)])
def test_mean_cosine(dimensions, cosine):
    noise = normal(4000, 15, dimensions)
    gradient = rank_gradient(noise, noise[..., 0], 15)
    assert (gradient[:, 0] / gradient.norm(dim=-1)).mean() == pytest.approx(
        cosine, abs=0.01
    )


@pytest.mark.parametrize(("m", "k"), SIZES)
def test_invariances_are_exact(m, k):
    noise, objectives = normal(3, m, 6), normal(3, m, seed=1)
    plain = rank_gradient(noise, objectives, k)
    for transformed in (objectives.exp(), objectives**3, objectives + 5.0):
        assert torch.equal(rank_gradient(noise, transformed, k), plain)
    order = torch.randperm(m, generator=torch_generator(stream(0, "order")))
    permuted = rank_weights(objectives[:, order], k)
    assert torch.equal(permuted, rank_weights(objectives, k)[:, order])
    torch.testing.assert_close(
        rank_gradient(noise[:, order], objectives[:, order], k), plain
    )


def test_equal_objectives_have_no_preference():
    noise = normal(1, 15, 4)
    assert rank_gradient(noise, torch.zeros(1, 15), 15).abs().max() < 1e-6
    tied = torch.tensor([[1.0, 0.0, 1.0]])
    weights = rank_weights(tied, 3)
    assert weights[0, 0] == weights[0, 2]
    pairs = [(1, 0), (1, 2)]  # the tied pair is not an edge
    explicit = sum(noise[0, j] - noise[0, i] for i, j in pairs) / 2
    torch.testing.assert_close(rank_gradient(noise[:, :3], tied, 3)[0], explicit)


@given(
    st.lists(st.integers(0, 3), min_size=2, max_size=6).flatmap(
        lambda values: st.tuples(st.just(values), st.integers(1, len(values)))
    )
)
def test_ties_equal_a_double_loop_over_strict_pairs(drawn):
    """Where ties straddle the k-th place: the mean over the orders of equal objectives."""
    values, k = drawn
    m = len(values)
    noise = normal(1, m, 5)
    sums, counts = [], []
    for order in itertools.permutations(range(m)):
        if [values[i] for i in order] != sorted(values):
            continue
        total, edges = torch.zeros(5), 0
        for i in order[:k]:
            for j in range(m):
                if values[i] < values[j]:
                    total, edges = total + noise[0, j] - noise[0, i], edges + 1
        sums.append(total)
        counts.append(edges)
    assert len(set(counts)) == 1
    found = rank_gradient(noise, torch.tensor([values]).float(), k)[0]
    if not counts[0]:
        assert torch.equal(found, torch.zeros(5))
        return
    expected = torch.stack(sums).mean(dim=0) / counts[0]
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("candidates", "ratio"), [(10, 1.27), (5, 1.98), (2, 4.4)])
def test_norm_of_an_update_with_fewer_candidates(candidates, ratio):
    """What zo_rank_search.py says of a partial last round."""
    norms = []
    for m in (15, candidates):
        noise = normal(2000, m, 135)
        norms.append(rank_gradient(noise, noise[..., 0], m).norm(dim=1).mean())
    assert norms[1] / norms[0] == pytest.approx(ratio, rel=0.05)


def test_nan_is_an_error_at_once():
    with pytest.raises(TrajpromptError, match="NaN"):
        rank_weights(torch.tensor([[1.0, float("nan")]]), 2)


@pytest.mark.parametrize(
    ("step_size", "value", "tolerance"),
    [(1e-4, 19.60, 0.01), (1e-3, 16.19, 0.1), (1e-2, 0.046, 0.02)],
)
def test_convergence_anchors(step_size, value, tolerance):
    """Minimise |x|^2, d = 20, from ones: m = k = 15, mu = 0.1, 400 steps, 10 seeds."""
    x = torch.ones(10, 20)
    generator = torch_generator(stream(0, "anchor"))
    for _ in range(400):
        noise = torch.randn(10, 15, 20, generator=generator)
        candidates = x.unsqueeze(1) + 0.1 * noise
        x = x - step_size * rank_gradient(noise, candidates.square().sum(-1), 15)
    assert float(np.mean(x.square().sum(-1).numpy())) == pytest.approx(value, abs=tolerance)
