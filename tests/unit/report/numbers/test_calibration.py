"""The choice among settings, on synthetic tables."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from trajprompt.report.numbers.calibration import (
    LEAST_CHANGE,
    by_backbone,
    judge,
    typical_error,
)

SETTINGS = [{"rate": 10.0**power} for power in range(6)]


def rows(gains, change=1.0) -> pd.DataFrame:
    """Rows of two tasks whose mean gains on each backbone are ``gains`` (S, B)."""
    changes = np.broadcast_to(change, len(gains))
    return pd.DataFrame(
        {
            "setting": setting,
            "seed": seed,
            "task": task,
            "gain": gain + (1 if task else -1),
            "action_change": changes[setting],
        }
        for setting, by_seed in enumerate(gains)
        for seed, gain in enumerate(by_seed)
        for task in range(2)
    )


def chosen(gains, paper: int, change=1.0) -> int:
    def distance(setting):
        return abs(math.log(setting["rate"] / SETTINGS[paper]["rate"]))

    table = judge(rows(gains, change), SETTINGS, SETTINGS[paper], distance)
    assert table["chosen"].sum() == 1
    return int(table["chosen"].idxmax())


def around(*means: float, errors: float = 1.0) -> np.ndarray:
    """Gains (S, 3) with these means and a standard error of ``errors``.

    Residuals of different settings are those of two contrasts, so they do not cancel.
    """
    contrasts = np.array([[-1.0, 0.0, 1.0], [0.5, -1.0, 0.5]])
    contrasts /= contrasts.std(axis=1, ddof=1, keepdims=True) / math.sqrt(3)
    return np.array([m + errors * contrasts[i % 2] for i, m in enumerate(means)])


def test_within_one_error_of_the_best_the_papers_setting_is_chosen():
    # The paired difference of two settings has an error of sqrt(2) or 0.
    assert chosen(around(0, 0, 9, 10, 0, 0), paper=2) == 2
    assert chosen(around(0, 0, 2, 10, 0, 0), paper=2) == 3


def test_else_the_candidate_nearest_to_the_papers_is_chosen():
    gains = around(0, 9.5, 10, 9.5, 0, 0)
    assert chosen(gains, paper=0) == 1
    assert chosen(gains, paper=5) == 3


def test_equally_near_candidates_are_ordered_by_gain():
    assert chosen(around(0, 9.6, 0, 10, 0, 0), paper=2) == 3
    assert chosen(around(0, 10, 0, 9.6, 0, 0), paper=2) == 1


def test_an_unstable_setting_does_not_win_by_its_own_noise():
    gains = around(0, 0, 10, 0, 0, 0)
    gains[4] = [90, -20, -10]  # mean 20, standard error 35
    assert chosen(gains, paper=0) == 2
    assert chosen(gains, paper=5) == 2
    gains[4] = [20, 20.5, 21]  # as large, and stable
    assert chosen(gains, paper=5) == 4


def test_one_unstable_setting_does_not_widen_the_choice_of_the_others():
    gains = around(0, 0, 10, 0, 0, 0)
    for wild in ([-300, 300, 0], [0, 1, 2]):
        gains[4] = wild
        assert chosen(gains, paper=0) == 2


def test_a_setting_that_does_not_tune_is_never_chosen():
    change = np.array([0.0, 1, 1, 1, 1, 1]) * 10 * LEAST_CHANGE
    gains = around(10, 3, 9, 0, 0, 0)
    assert chosen(gains, paper=0, change=change) == 2
    assert chosen(gains, paper=0) == 0


def test_if_no_setting_tunes_the_papers_is_kept():
    assert chosen(around(0, 1, 2, 3, 4, 5), paper=4, change=LEAST_CHANGE / 2) == 4


def test_a_setting_that_failed_on_one_backbone_is_left_out():
    gains = around(0, 0, 10, 0, 0, 20)
    gains[5, 1] = np.nan
    assert chosen(gains, paper=5) == 2


def test_gains_are_averaged_over_tasks_before_backbones():
    gains = around(*range(6))
    assert by_backbone(rows(gains), 6) == pytest.approx(gains)
    assert by_backbone(rows(gains[:, :1]), 6).shape == (6, 2)  # tasks of one backbone


def test_the_typical_error_is_unbiased_for_equal_errors():
    """The median of many standard errors of three values is corrected to the true one."""
    sample = np.random.default_rng(0).standard_normal((200_000, 3))
    errors = sample.std(axis=1, ddof=1) / math.sqrt(3)
    assert typical_error(errors, 3) == pytest.approx(1 / math.sqrt(3), rel=0.01)
    assert np.median(errors) < 0.9 / math.sqrt(3)
    assert typical_error(np.array([np.nan, 2.0]), 2) == pytest.approx(
        2.0 / math.sqrt(stats.chi2.ppf(0.5, 1))
    )
    assert typical_error(np.array([1.0]), 1) == 0.0
