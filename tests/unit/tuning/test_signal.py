"""Signal of returns about perturbed prompts, against closed forms."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import spearmanr

from support.tuning_problem import make_problem
from trajprompt.report.numbers.signal import summarise
from trajprompt.tuning import signal as module
from trajprompt.tuning.oracle import OracleResult
from trajprompt.tuning.prompt_vectors import to_vectors
from trajprompt.tuning.signal import CANDIDATES, gradient_cosine, signals, variances


def orthonormal(count: int) -> torch.Tensor:
    """Directions (1, count, count) of which no two share anything."""
    random = np.random.default_rng(0).standard_normal((count, count))
    return torch.from_numpy(np.linalg.qr(random)[0]).unsqueeze(0)


def test_the_cosine_is_spearmans_correlation_on_orthonormal_directions():
    """Rank weights are linear in the ranks: the gradients' cosine is their correlation."""
    returns = np.random.default_rng(1).standard_normal((1, 15, 2))
    expected = spearmanr(returns[0, :, 0], returns[0, :, 1]).statistic
    assert gradient_cosine(orthonormal(15), returns)[0] == pytest.approx(expected)


@pytest.mark.parametrize("noise", [0.0, 0.5, 1.0, 3.0])
def test_a_linear_return_with_noise_has_the_cosine_of_its_reliability(noise):
    """Of normal returns, E[Spearman] is 6 / pi asin(r / 2), r the reliability."""
    count, generator = 1500, np.random.default_rng(2)
    directions = orthonormal(count)
    slope = generator.standard_normal(count)
    mean = math.sqrt(count) * directions[0].numpy() @ slope / np.linalg.norm(slope)
    errors = noise * generator.standard_normal((count, 2))
    returns = (mean[:, None] + errors)[None]
    reliability = 1 / (1 + noise**2)
    expected = 6 / math.pi * math.asin(reliability / 2)
    assert gradient_cosine(directions, returns)[0] == pytest.approx(expected, abs=0.06)
    between, residual = variances(returns[0])
    assert between / (between + residual) == pytest.approx(reliability, abs=0.06)


def test_effects_of_resets_common_to_all_candidates_change_nothing():
    returns = np.random.default_rng(3).standard_normal((15, 4))
    shifted = returns + np.array([0, 100, -50, 7])
    assert variances(shifted) == pytest.approx(variances(returns))
    assert gradient_cosine(orthonormal(15), shifted[None]) == pytest.approx(
        gradient_cosine(orthonormal(15), returns[None])
    )


def test_equal_and_opposite_rankings():
    returns = np.arange(15.0)
    same = np.stack([returns, returns], axis=1)[None]
    opposite = np.stack([returns, -returns], axis=1)[None]
    assert gradient_cosine(orthonormal(15), same) == pytest.approx(1)
    assert gradient_cosine(orthonormal(15), opposite) == pytest.approx(-1)


def test_equal_returns_have_no_signal():
    for level in (0.0, -0.3):  # means of -0.3 are not exact
        found = module.signal(1.0, orthonormal(15), np.full((1, 15, 3), level))
        assert (found.cosine[0], found.reliability[0]) == (0, 0)
        assert found.noise[0] == pytest.approx(0, abs=1e-9)


def test_candidates_are_played_from_common_resets(monkeypatch):
    """In the fake, a return is the prompt's first number plus an effect of the reset."""
    problem = make_problem()
    asked = []

    class Oracle:
        def __init__(self, problem):
            self.resets = lambda sequence: (
                np.array(sequence.generate_state(3)).reshape(3, 1, 1) % 1000
            )

        def __call__(self, prompts, seeds):
            asked.append(seeds[:, :, 0])
            values = to_vectors(prompts)[:, :, 0].double().numpy()
            return OracleResult(values + seeds[:, :, 0], np.zeros(3, np.int64))

    monkeypatch.setattr(module, "ReturnOracle", Oracle)
    small, large = signals(problem, [0.1, 1.0], 4)
    assert asked[0].shape == (3, CANDIDATES * 4) and (asked[0] == asked[1]).all()
    by_candidate = asked[0].reshape(3, CANDIDATES, 4)
    assert (by_candidate == by_candidate[:, :1]).all()
    assert len(np.unique(by_candidate[:, 0])) == 12
    for found in (small, large):
        assert found.cosine == pytest.approx(np.ones(3))
        assert found.reliability == pytest.approx(np.ones(3))
    assert large.candidates == pytest.approx(10 * small.candidates, rel=1e-3)


def test_signals_are_summarised_over_tasks_and_backbones():
    values = [0.1, 0.2, 0.3, 0.6]
    rows = pd.DataFrame(
        {
            "suite": "reach", "condition": "expert", "smoothing": 1.0, "resets": 5,
            "seed": [0, 0, 1, 1], "task": [2, 3, 2, 3], "cosine": values,
            "reliability": values, "candidates": 1.0, "noise": 2.0,
        }
    )  # fmt: skip
    (row,) = summarise(rows).itertuples()
    assert (row.backbones, row.tasks, row.resets) == (2, 2, 5)
    assert row.cosine == pytest.approx(0.3)
    assert row.cosine_se == pytest.approx(np.std(values, ddof=1) / 2)
