"""Corrections against statsmodels and simulations; levels agree with the decisions."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from trajprompt.report.numbers.families import BENJAMINI_HOCHBERG, HOLM, corrected


@pytest.fixture(autouse=True)
def no_garbage_collection(monkeypatch):
    """Statsmodels collects garbage in every call, which takes 0.1 s."""
    monkeypatch.setattr("gc.collect", lambda *_: 0)


def test_levels_of_holms_steps():
    """Steps 0.05 / 4, / 3 and / 2; the third fails, so the fourth has its level."""
    found = corrected([0.04, 0.001, 0.03, 0.01], HOLM, 0.05)
    levels = [one.level for one in found]
    assert levels == pytest.approx([0.05 / 2, 0.05 / 4, 0.05 / 2, 0.05 / 3])
    assert [one.q for one in found] == pytest.approx([0.06, 0.004, 0.06, 0.03])


def test_levels_after_benjamini_hochberg():
    rejected = [0.001, 0.02, 0.8, 0.9]
    assert {c.level for c in corrected(rejected, BENJAMINI_HOCHBERG, 0.05)} == {0.025}
    none = corrected([0.2, 0.3, 0.8, 0.9], BENJAMINI_HOCHBERG, 0.05)
    assert {one.level for one in none} == {0.05 / 4}
    assert corrected([], HOLM, 0.05) == []


@pytest.mark.parametrize("method, name", [(HOLM, "holm"), (BENJAMINI_HOCHBERG, "fdr_bh")])
def test_an_interval_excludes_the_tested_value_iff_it_is_rejected(method, name):
    """For 500 families of 1 to 20 contrasts, with many or few small p."""
    generator = np.random.default_rng(2)
    for _ in range(500):
        p_values = generator.uniform(size=generator.integers(1, 21))
        p_values **= generator.integers(1, 6)
        found = corrected(list(p_values), method, 0.05)
        below = [p < one.level for p, one in zip(p_values, found, strict=True)]
        assert below == list(multipletests(p_values, 0.05, name)[0])
        levels = np.array([one.level for one in found])
        assert (levels > 0.05 / len(p_values) - 1e-12).all() and (
            levels <= 0.05 + 1e-12
        ).all()


def test_holm_holds_the_family_wise_error_rate():
    """Seven contrasts without effects, on shared seeds: an error in at most 5 % of runs."""
    generator = np.random.default_rng(0)
    wrong = 0
    for _ in range(2000):
        p_values = generator.uniform(size=7)
        wrong += any(
            p < c.level
            for p, c in zip(p_values, corrected(list(p_values), HOLM, 0.05), strict=True)
        )
    assert wrong / 2000 < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 2000)


def test_intervals_of_selected_contrasts_are_wrong_in_at_most_5_percent():
    """False coverage rate (Benjamini & Yekutieli 2005); 40 contrasts, 10 with an effect."""
    generator = np.random.default_rng(1)
    effects = np.r_[np.full(10, 3.0), np.zeros(30)]
    shares = []
    for _ in range(1000):
        found = effects + generator.normal(size=40)
        p_values = 2 * stats.norm.sf(np.abs(found))
        levels = np.array([c.level for c in corrected(p_values, BENJAMINI_HOCHBERG, 0.05)])
        chosen = p_values < levels
        missed = np.abs(found - effects) > stats.norm.isf(levels / 2)
        shares.append((missed & chosen).sum() / max(chosen.sum(), 1))
    assert np.mean(shares) < 0.05


@pytest.mark.parametrize("method", [HOLM, BENJAMINI_HOCHBERG])
def test_a_family_of_one_has_the_plain_level(method):
    (one,) = corrected([0.03], method, 0.05)
    assert (one.q, one.level) == pytest.approx((0.03, 0.05))
