"""Prompts during denoising."""

import numpy as np
import pytest

from support.plots_run import SEEDS
from support.plots_tables import kind_table
from trajprompt.report.plots.kinds.denoising import principal_plane, step_share


def test_denoising_separates_prompt_steps(tmp_path):
    rows = kind_table(tmp_path, "denoising")
    shares = rows.groupby("left")["step_share"].first()
    assert shares[0] == pytest.approx(1)
    assert shares[4] < 0.1 and shares.is_monotonic_decreasing
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
