"""Means, spreads and t intervals against closed forms, SciPy and simulations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from trajprompt.errors import TrajpromptError
from trajprompt.report.numbers.statistics import (
    estimate,
    over_tasks,
    paired_difference,
    per_seed_means,
)

SCORES = np.random.default_rng(0).normal(10.0, 2.0, size=(5, 8))


def test_mean_and_spread_of_the_per_seed_means():
    found = estimate([SCORES])
    per_seed = [SCORES[:, seed].sum() / 5 for seed in range(8)]
    assert found.mean == pytest.approx(np.mean(per_seed))
    assert found.spread == pytest.approx(np.std(per_seed, ddof=1))
    assert (found.seeds, found.tasks) == (8, 5)


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.999])
def test_interval_and_p_of_one_suite_agree_with_scipy(confidence):
    found = estimate([SCORES])
    test = stats.ttest_1samp(SCORES.mean(axis=0), 9.0)
    expected = test.confidence_interval(confidence)
    assert found.interval(confidence) == pytest.approx((expected.low, expected.high))
    assert found.p_value(9.0) == pytest.approx(test.pvalue)
    assert (found.low, found.high) == found.interval(0.95)


def test_interval_of_an_average_of_two_suites_is_welchs():
    """The mean of two suites is half their sum: Welch's test of the first and −second."""
    second = np.random.default_rng(1).normal(3.0, 7.0, size=(2, 8))
    found = estimate([SCORES, second])
    test = stats.ttest_ind(SCORES.mean(axis=0), -second.mean(axis=0), equal_var=False)
    expected = test.confidence_interval(0.9)
    assert found.freedom == pytest.approx(test.df)
    assert found.p_value() == pytest.approx(test.pvalue)
    halves = expected.low / 2, expected.high / 2
    assert found.interval(0.9) == pytest.approx(halves)


def test_suites_have_equal_weight_whatever_their_number_of_tasks():
    suites = [np.full((2, 3), 10.0), np.full((5, 3), 0.0)]
    assert per_seed_means(suites) == pytest.approx([5.0, 5.0, 5.0])
    assert estimate(suites).mean == pytest.approx(5.0)


def test_tasks_of_a_suite_share_their_seeds():
    """Repeated tasks add no information, because a backbone affects all its tasks."""
    one, many = estimate([SCORES[:1]]), estimate([np.repeat(SCORES[:1], 20, axis=0)])
    assert (one.low, one.high) == pytest.approx((many.low, many.high))


def test_fixed_tasks_that_differ_add_nothing_to_the_interval_over_seeds():
    scores = np.repeat(np.array([[0.0], [100.0]]), 3, axis=1)
    found = estimate([scores])
    assert (found.low, found.mean, found.high, found.spread) == (50.0, 50.0, 50.0, 0.0)
    assert found.p_value(50.0) == 1.0 and found.p_value() == 0.0
    low, high = over_tasks(scores)
    assert low < 0 and high > 100


@pytest.mark.parametrize("seeds", [3, 5, 12])
def test_95_percent_intervals_cover_in_95_percent_of_cases(seeds):
    """Even if a backbone affects all its tasks; 4,000 cases, so four errors are 1.4 %."""
    generator = np.random.default_rng(seeds)
    backbones = generator.normal(size=(4000, 1, seeds))
    cases = backbones + generator.normal(0.0, 0.3, size=(4000, 4, seeds))
    hits = sum((e := estimate([scores])).low <= 0 <= e.high for scores in cases)
    assert hits / 4000 == pytest.approx(0.95, abs=0.014)


@pytest.mark.parametrize("of_tasks, of_seeds", [(1.0, 1.0), (1.0, 0.0), (0.0, 1.0), (0, 0)])
@pytest.mark.parametrize("tasks, seeds", [(5, 5), (2, 5), (5, 3)])
def test_intervals_over_tasks_cover_at_least_94_percent(of_tasks, of_seeds, tasks, seeds):
    """Tasks, seeds and the rest are random, in any proportion; 2,000 cases."""
    generator = np.random.default_rng(11)
    cases = of_tasks * generator.normal(size=(2000, tasks, 1))
    cases = cases + of_seeds * generator.normal(size=(2000, 1, seeds))
    cases = cases + 0.5 * generator.normal(size=(2000, tasks, seeds))
    covered = [low <= 0 <= high for low, high in map(over_tasks, cases)]
    assert np.mean(covered) > 0.94


def test_the_interval_over_tasks_with_a_single_task_or_seed_is_missing():
    assert np.isnan(over_tasks(SCORES[:1])).all()
    assert np.isnan(over_tasks(SCORES[:, :1])).all()


def test_one_seed_has_no_interval_and_no_p():
    found = estimate([SCORES[:, :1]])
    assert found.mean == pytest.approx(SCORES[:, 0].mean())
    assert np.isnan([found.spread, found.low, found.high, found.p_value()]).all()


def test_pairing_removes_what_the_seeds_share():
    shared = np.random.default_rng(1).normal(0.0, 100.0, size=(5, 4))
    gain = np.random.default_rng(2).normal(2.0, 0.1, size=(5, 4))
    found = paired_difference([shared + gain], [shared])
    assert found.mean == pytest.approx(gain.mean())
    assert 1.8 < found.low <= found.mean <= found.high < 2.2


def test_pairs_must_match():
    with pytest.raises(TrajpromptError, match="shapes"):
        paired_difference([SCORES], [SCORES[:, :5]])
    with pytest.raises(TrajpromptError, match="equal seeds"):
        estimate([SCORES, SCORES[:, :5]])


@given(st.integers(0, 1000), st.floats(-50, 50), st.floats(0.1, 20))
def test_intervals_follow_shifts_and_scales(seed, shift, scale):
    scores = np.random.default_rng(seed).normal(size=(3, 4))
    for of in (lambda found: estimate([found]).interval(0.9), over_tasks):
        plain, moved = np.array(of(scores)), of(scale * scores + shift)
        assert moved == pytest.approx(tuple(scale * plain + shift), abs=1e-9)


@given(st.integers(0, 1000), st.floats(0.5, 0.999), st.floats(-3, 3))
def test_a_value_outside_the_interval_has_a_small_p(seed, confidence, value):
    found = estimate([np.random.default_rng(seed).normal(size=(3, 4))])
    low, high = found.interval(confidence)
    assert (low <= value <= high) == (found.p_value(value) >= 1 - confidence)


@given(st.integers(0, 1000))
def test_a_difference_changes_sign_with_its_order(seed):
    first, second = np.random.default_rng(seed).normal(size=(2, 3, 4))
    forward, backward = (
        paired_difference([a], [b]) for a, b in ((first, second), (second, first))
    )
    assert forward.mean == pytest.approx(-backward.mean)
    assert forward.low == pytest.approx(-backward.high)
