"""Estimates that figures draw: means over seeds, their intervals, and every seed's value.

All figures call `level` and `difference`, so that they share one definition of an interval.
"""

from collections.abc import Sequence
from typing import TypedDict

import numpy as np
import pandas as pd

from trajprompt.report.numbers.statistics import (
    Estimate,
    estimate,
    paired_difference,
    per_seed_means,
)
from trajprompt.report.read.run import Run

BY_SEED = "by_seed"  # column with the value of each seed, separated by spaces
Matrices = Sequence[np.ndarray]  # per suite (T, S)


class Values(TypedDict):
    """Columns of an estimate in a figure's table; the interval is NaN for one seed."""

    mean: float
    low: float
    high: float
    seeds: int
    tasks: int
    by_seed: str


def level(run: Run, suites: Matrices, *names: object) -> Values:
    """Mean of scores (T, S) over suites, tasks and seeds; ``names`` name the value."""
    return _values(estimate(suites), suites)


def difference(run: Run, first: Matrices, second: Matrices, *names: object) -> Values:
    """Mean of first − second, paired by task and seed; positive if ``first`` is better."""
    found = paired_difference(first, second)
    return _values(found, [a - b for a, b in zip(first, second, strict=True)])


def _values(found: Estimate, suites: Matrices) -> Values:
    seeds = " ".join(f"{value:.6g}" for value in per_seed_means(suites))
    return {
        "mean": found.mean,
        "low": found.low,
        "high": found.high,
        "seeds": found.seeds,
        "tasks": found.tasks,
        "by_seed": seeds,
    }


def renamed(values: Values, name: str) -> dict[str, object]:
    """``values`` as the columns ``name``, ``name``_low, ``name``_high, ``name``_by_seed."""
    ends = {"mean": "", "low": "_low", "high": "_high", BY_SEED: f"_{BY_SEED}"}
    return {f"{name}{end}": values[key] for key, end in ends.items()}  # type: ignore[literal-required]


def as_drawn(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """``rows`` with the columns of `renamed` values as mean, low, high and by_seed."""
    ends = {f"{name}": "mean", f"{name}_low": "low", f"{name}_high": "high"}
    ends |= {f"{name}_{BY_SEED}": BY_SEED}
    return rows.drop(columns=list(ends.values()), errors="ignore").rename(columns=ends)


def seed_values(text: object) -> np.ndarray:
    """Values of the seeds (S,) from a cell of the column `BY_SEED`; none for one seed."""
    values = np.array([float(value) for value in str(text).split()])
    return values if len(values) > 1 else np.zeros(0)
