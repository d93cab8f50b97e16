"""Means, spreads and bootstrap intervals against closed forms and SciPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from trajprompt.errors import TrajpromptError
from trajprompt.report.numbers.statistics import (
    bootstrap_means,
    estimate,
    paired_difference,
    per_seed_means,
)

STREAM = np.random.SeedSequence(5)
SCORES = np.random.default_rng(0).normal(10.0, 2.0, size=(5, 8))


def test_mean_and_spread_of_the_per_seed_means():
    found = estimate([SCORES], STREAM)
    per_seed = [SCORES[:, seed].sum() / 5 for seed in range(8)]
    assert found.mean == pytest.approx(np.mean(per_seed))
    assert found.spread == pytest.approx(np.std(per_seed, ddof=1))
    assert (found.seeds, found.tasks) == (8, 5)


def test_suites_have_equal_weight_whatever_their_number_of_tasks():
    suites = [np.full((2, 3), 10.0), np.full((5, 3), 0.0)]
    assert per_seed_means(suites) == pytest.approx([5.0, 5.0, 5.0])
    assert estimate(suites, STREAM).mean == pytest.approx(5.0)


def test_bootstrap_variance_is_the_closed_form():
    """Seeds resampled jointly for all tasks: σ² / S, σ of per-seed means, divisor S."""
    means = bootstrap_means([SCORES], STREAM, resamples=40_000)
    expected = SCORES.mean(axis=0).var() / 8
    assert means.var() == pytest.approx(expected, rel=0.03)
    assert means.mean() == pytest.approx(SCORES.mean(), abs=4 * np.sqrt(expected / 40_000))


def test_tasks_of_a_suite_share_their_seeds():
    """Repeated tasks add no information, because a backbone affects all its tasks."""
    one, many = SCORES[:1], np.repeat(SCORES[:1], 20, axis=0)
    assert bootstrap_means([many], STREAM) == pytest.approx(bootstrap_means([one], STREAM))


def test_variance_of_an_average_adds_over_suites():
    other = SCORES[:2] * 3.0
    alone = [scores.mean(axis=0).var() / 8 for scores in (SCORES, other)]
    means = bootstrap_means([SCORES, other], STREAM, resamples=40_000)
    assert means.var() == pytest.approx(sum(alone) / 4, rel=0.03)


def test_interval_of_one_task_agrees_with_scipy():
    scores = SCORES[:1]
    found = estimate([scores], STREAM)
    expected = stats.bootstrap(
        (scores[0],), np.mean, n_resamples=20_000, method="percentile", rng=1
    ).confidence_interval
    width = expected.high - expected.low
    assert found.low == pytest.approx(expected.low, abs=0.03 * width)
    assert found.high == pytest.approx(expected.high, abs=0.03 * width)


def test_tasks_are_not_resampled():
    """Tasks that differ, but not between seeds, have an interval of zero width."""
    scores = np.repeat(np.array([[0.0], [100.0]]), 3, axis=1)
    found = estimate([scores], STREAM)
    assert (found.low, found.mean, found.high, found.spread) == (50.0, 50.0, 50.0, 0.0)


@pytest.mark.parametrize("seeds, low, high", [(3, 0.67, 0.83), (12, 0.84, 0.98)])
def test_coverage_of_intervals_is_as_documented(seeds, low, high):
    """75 % with three seeds, even if a backbone affects all its tasks."""
    generator = np.random.default_rng(3)
    hits = 0
    for _ in range(300):
        backbones = generator.normal(0.0, 1.0, size=(1, seeds))
        scores = backbones + generator.normal(0.0, 0.3, size=(4, seeds))
        draws = bootstrap_means([scores], np.random.SeedSequence(1), resamples=500)
        tails = np.quantile(draws, [0.025, 0.975])
        hits += tails[0] <= 0 <= tails[1]
    assert low < hits / 300 < high


def test_equal_streams_give_equal_bits_and_others_do_not():
    first, second = estimate([SCORES], STREAM), estimate([SCORES], STREAM)
    other = estimate([SCORES], np.random.SeedSequence(6))
    assert first == second
    assert (first.low, first.high) != (other.low, other.high)


def test_one_seed_has_no_interval():
    found = estimate([SCORES[:, :1]], STREAM)
    assert found.mean == pytest.approx(SCORES[:, 0].mean())
    assert all(np.isnan([found.spread, found.low, found.high]))


def test_pairing_removes_what_the_seeds_share():
    shared = np.random.default_rng(1).normal(0.0, 100.0, size=(5, 4))
    gain = np.random.default_rng(2).normal(2.0, 0.1, size=(5, 4))
    found = paired_difference([shared + gain], [shared], STREAM)
    assert found.mean == pytest.approx(gain.mean())
    assert 1.8 < found.low <= found.mean <= found.high < 2.2


def test_pairs_must_match():
    with pytest.raises(TrajpromptError, match="shapes"):
        paired_difference([SCORES], [SCORES[:, :5]], STREAM)
    with pytest.raises(TrajpromptError, match="equal seeds"):
        estimate([SCORES, SCORES[:, :5]], STREAM)


@given(st.integers(0, 1000), st.floats(-50, 50), st.floats(0.1, 20))
def test_intervals_follow_shifts_and_scales(seed, shift, scale):
    scores = np.random.default_rng(seed).normal(size=(3, 4))
    plain = bootstrap_means([scores], STREAM, resamples=50)
    moved = bootstrap_means([scale * scores + shift], STREAM, resamples=50)
    assert moved == pytest.approx(scale * plain + shift, abs=1e-9)


@given(st.integers(0, 1000))
def test_a_difference_changes_sign_with_its_order(seed):
    first, second = np.random.default_rng(seed).normal(size=(2, 3, 4))
    forward, backward = (
        paired_difference([a], [b], STREAM) for a, b in ((first, second), (second, first))
    )
    assert forward.mean == pytest.approx(-backward.mean)
    assert forward.low == pytest.approx(-backward.high)
