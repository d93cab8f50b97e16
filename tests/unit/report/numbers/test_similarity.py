"""Linear CKA against closed forms (Kornblith et al. 2019, section 3)."""

import numpy as np
import pytest

from trajprompt.report.numbers.similarity import (
    debiased_cka,
    derangement,
    linear_cka,
    mismatched_cka,
)

GENERATOR = np.random.default_rng(0)
X = GENERATOR.standard_normal((60, 7)) @ GENERATOR.standard_normal((7, 7))
ROTATION = np.linalg.qr(GENERATOR.standard_normal((7, 7)))[0]
NOISE = GENERATOR.standard_normal((60, 7))


@pytest.mark.parametrize("cka", [linear_cka, debiased_cka])
def test_invariant_to_shift_rotation_and_scale(cka):
    for other in (X, X @ ROTATION, -3.5 * X, X + 100.0, 0.01 * (X @ ROTATION) - 7):
        assert cka(X, other) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("cka", [linear_cka, debiased_cka])
def test_symmetric_and_invariant_to_rotation_of_one_set(cka):
    assert cka(X, NOISE) == pytest.approx(cka(NOISE, X))
    assert cka(X @ ROTATION, 2 * NOISE) == pytest.approx(cka(X, NOISE))


def test_not_invariant_to_other_linear_maps():
    """Linear maps in general change it, unlike canonical correlations."""
    assert linear_cka(X, X @ np.diag([1, 0, 0, 0, 0, 0, 0])) < 0.9


def test_one_shared_direction_of_two():
    """X has two orthogonal columns of equal norm, Y the first of them: 1 / sqrt(2)."""
    columns = np.array([[1.0, 1], [1, -1], [-1, 1], [-1, -1]])
    assert linear_cka(columns, columns[:, :1]) == pytest.approx(1 / np.sqrt(2))


def test_independent_rows_are_near_zero_if_there_are_many():
    generator = np.random.default_rng(1)
    first, second = generator.standard_normal((2, 20_000, 5))
    assert linear_cka(first, second) < 0.002


def test_with_few_rows_only_the_debiased_cka_is_near_zero():
    generator = np.random.default_rng(2)
    pairs = [generator.standard_normal((2, 20, 40)) for _ in range(200)]
    assert np.mean([linear_cka(*pair) for pair in pairs]) > 0.5
    assert np.mean([debiased_cka(*pair) for pair in pairs]) == pytest.approx(0, abs=0.02)


def test_the_gram_form_is_equal():
    """CKA from Gram matrices: HSIC(K, L) / sqrt(HSIC(K, K) HSIC(L, L)), as in the paper."""
    centring = np.eye(60) - 1 / 60

    def hsic(a, b):
        return np.trace(a @ a.T @ centring @ b @ b.T @ centring)

    expected = hsic(X, NOISE) / np.sqrt(hsic(X, X) * hsic(NOISE, NOISE))
    assert linear_cka(X, NOISE) == pytest.approx(expected)


def test_mismatched_groups_are_less_similar():
    generator = np.random.default_rng(3)
    prompts = generator.standard_normal((30, 5, 8)) + 2 * generator.standard_normal(
        (30, 1, 8)
    )
    flat = prompts.reshape(-1, 8)
    stream = np.random.SeedSequence(4)
    shuffled = mismatched_cka(prompts, prompts, stream)
    assert shuffled < 0.5 * linear_cka(flat, flat)
    assert shuffled == mismatched_cka(prompts, prompts, np.random.SeedSequence(4))


def test_derangements_have_no_fixed_points():
    generator = np.random.default_rng(5)
    for size in (2, 3, 7, 30):
        for _ in range(50):
            drawn = derangement(generator, size)
            assert sorted(drawn) == list(range(size))
            assert (drawn != np.arange(size)).all()


def test_all_derangements_are_equally_likely():
    """Four items have nine derangements."""
    generator, draws = np.random.default_rng(6), 9000
    drawn = [tuple(derangement(generator, 4)) for _ in range(draws)]
    counts = np.array([drawn.count(item) for item in set(drawn)])
    assert len(counts) == 9
    assert (
        (counts - draws / 9) ** 2 / (draws / 9)
    ).sum() < 26.1  # chi-squared, 8 degrees, 0.1 %


def test_two_groups_are_always_exchanged():
    first, second = np.random.default_rng(7).standard_normal((2, 2, 5, 8))
    exchanged = linear_cka(first.reshape(-1, 8), second[::-1].reshape(-1, 8))
    found = mismatched_cka(first, second, np.random.SeedSequence(8), draws=3)
    assert found == pytest.approx(exchanged)
    assert np.isnan(mismatched_cka(first[:1], second[:1], np.random.SeedSequence(8)))
