"""Prompts during denoising."""

import numpy as np
import pytest

from support.plots_run import SEEDS
from support.plots_tables import kind_table
from trajprompt.report.plots.kinds.denoising import (
    principal_plane,
    shuffled_shares,
    step_share,
)


def test_denoising_separates_prompt_steps(tmp_path):
    rows = kind_table(tmp_path, "denoising")
    shares = rows.groupby("left")["step_share"].first()
    assert shares[0] == pytest.approx(1)
    assert shares.is_monotonic_decreasing
    band = rows.groupby("left")[["shuffled_low", "shuffled_high"]].first()
    noise, made = band.loc[4], band.loc[0]
    assert noise.iloc[0] - 0.05 < shares[4] < noise.iloc[1] + 0.05
    assert made.iloc[1] < 0.5  # the order of steps makes the share
    assert len(rows) == 4 * 5 * 5 * len(SEEDS)


def test_the_plane_has_the_directions_of_largest_variance():
    generator = np.random.default_rng(0)
    points = generator.standard_normal((50, 4, 3)) * [1.0, 9.0, 3.0]
    mean, plane = principal_plane(points)
    np.testing.assert_allclose(np.abs(plane.T), [[0, 1, 0], [0, 0, 1]], atol=0.1)
    np.testing.assert_allclose(plane.T @ plane, np.eye(2), atol=1e-9)
    np.testing.assert_allclose(mean, points.reshape(-1, 3).mean(axis=0))


def test_step_share_of_noise():
    noise = np.random.default_rng(0).standard_normal((400, 5, 30))
    assert step_share(noise) == pytest.approx(4 / 1999, rel=0.2)


def test_shuffled_shares_of_noise_cover_its_share():
    """In noise, steps have no order to lose: its share is one of the shuffled ones."""
    generator = np.random.default_rng(0)
    inside = 0
    for _ in range(100):
        noise = [generator.standard_normal((6, 5, 8)) for _ in range(3)]
        shares = shuffled_shares(noise, generator, draws=100)
        low, high = np.quantile(shares, [0.025, 0.975])
        inside += low <= np.mean([step_share(found) for found in noise]) <= high
    assert 88 <= inside <= 100  # 95 expected


def test_shuffling_keeps_the_steps_of_a_prompt():
    """Prompts of equal steps have no differences, shuffled or not."""
    equal = np.repeat(np.random.default_rng(1).standard_normal((4, 1, 3)), 5, axis=1)
    assert shuffled_shares([equal], np.random.default_rng(0), 3) == pytest.approx(0)
