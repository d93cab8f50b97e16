"""Rates of verdicts in simulated runs, with the code that judges a run.

docs/statistics.md states the effects that are found. Noise is normal, or resampled from
the raw episodes of the kept run.
"""

import re

import numpy as np
import pandas as pd
import pytest

from support.paths import ROOT
from trajprompt.report.numbers.statistics import estimate
from trajprompt.report.numbers.verdicts import REPRODUCED, verdict
from trajprompt.rollout.columns import EVALUATION_COLUMNS
from trajprompt.tasks.registry import get_suite

PAGE = (ROOT / "docs/statistics.md").read_text()
EPISODES = ROOT / "results/reference/laptop/episodes.csv.gz"
ROW = re.compile(r"^\| ([a-z -]+) \| ([\d.]+) \| ([\d.]+) \|$", re.M)
# Noise -> effects that are found at 95 %, and at the strictest Holm level of 7 contrasts.
EFFECTS = {
    name: (float(plain), float(strict))
    for name, plain, strict in ROW.findall(PAGE.partition("## Simulation")[2])
}
LEVELS = (0.95, 1 - 0.05 / 7)
RUNS, SEEDS = 2000, range(3, 21)
NORMAL = "normal noise"
BELOW = 0.80 - 4 * np.sqrt(0.8 * 0.2 / RUNS)  # four standard errors of a rate of 80 %


def rate(
    samples: np.ndarray, direction: str, delta: float, confidence: float = 0.95
) -> float:
    """Share of *reproduced* among runs with the paired differences ``samples`` (N, S)."""
    found = (estimate([scores[None]]).interval(confidence) for scores in samples)
    verdicts = [verdict(direction, *bounds, delta) for bounds in found]
    return float(np.mean([name == REPRODUCED for name in verdicts]))


def noise(suite: str) -> np.ndarray:
    """Centred paired differences of all cells of a suite from the untuned prompt."""
    rows = pd.read_csv(EPISODES, usecols=list(EVALUATION_COLUMNS), keep_default_na=False)
    last = rows["checkpoint"].str.contains("last")  # "best+last" if they are equal
    prompted = rows["condition"] != "random-policy"  # that has a seed of its own
    rows = rows[(rows["suite"] == suite) & last & prompted]
    by_task = rows.groupby(["condition", "method", "seed", "task"])["return"].mean()
    cells = by_task.groupby(["condition", "method", "seed"]).mean().unstack("seed")
    untuned = cells.xs("none", level="method").dropna()
    pooled = []
    for (condition, method), values in cells.dropna().iterrows():
        if method != "none":
            own = untuned.loc[condition] if condition in untuned.index else untuned.iloc[0]
            paired = (values - own).to_numpy(dtype=float)
            scale = np.sqrt(len(paired) / (len(paired) - 1))
            pooled.append(scale * (paired - paired.mean()))
    return np.concatenate(pooled)


def resampled(values: np.ndarray, shape: tuple[int, int], seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    signs = generator.choice([-1.0, 1.0], size=shape)
    return signs * generator.choice(values, size=shape)


@pytest.mark.parametrize("seeds", SEEDS)
@pytest.mark.parametrize(
    "direction, edge", [("greater", 0), ("at-least", -1), ("equivalent", 1)]
)
def test_no_effect_is_reproduced_in_at_most_5_percent(direction, edge, seeds):
    """Without an effect, and for the other claims at the edge of what they claim."""
    delta = 0.4
    samples = np.random.default_rng(seeds).normal(edge * delta, 1.0, size=(RUNS, seeds))
    assert rate(samples, direction, delta) <= 0.05


@pytest.mark.parametrize("place", [0, 1])
def test_effect_that_is_stated_for_normal_noise(place):
    effect, confidence = EFFECTS[NORMAL][place], LEVELS[place]
    samples = np.random.default_rng(0).normal(effect, 1.0, size=(RUNS, 5))
    assert rate(samples, "greater", 0.4, confidence) >= BELOW
    smaller = samples - effect / 3
    assert rate(smaller, "greater", 0.4, confidence) < BELOW  # not a loose statement


@pytest.mark.parametrize("suite", sorted(set(EFFECTS) - {NORMAL}))
def test_rates_with_the_noise_of_the_kept_run(suite):
    values = noise(suite)
    for seeds in SEEDS:
        samples = resampled(values, (RUNS // 2, seeds), seeds)
        assert rate(samples, "greater", 1e-9) <= 0.05, seeds
    samples = resampled(values, (RUNS, 5), 99)
    for effect, confidence in zip(EFFECTS[suite], LEVELS, strict=True):
        assert rate(samples + effect, "greater", 1e-9, confidence) >= BELOW
        smaller = samples + 0.8 * effect
        assert rate(smaller, "greater", 1e-9, confidence) < BELOW  # not a loose statement


def test_every_suite_of_the_kept_run_has_an_effect():
    """Other than D4RL's, whose contrasts are another family."""
    suites = set(pd.read_csv(EPISODES, usecols=["suite"])["suite"])
    old = {name for name in suites if not get_suite(name).environment}
    assert set(EFFECTS) == {NORMAL, *old}
