"""Means of evaluation returns with t intervals over seeds, and over seeds and tasks.

Scores are matrices (T, S) of the mean return per task and seed; higher is better. A seed is
one backbone, which all tasks of a suite share. Therefore the unit of the interval over
seeds is the mean over a suite's tasks, and its tasks are fixed: it is about these tasks.
Suites have backbones of their own, so their errors are independent, and the degrees of
freedom of their average are those of Welch (1947) and Satterthwaite (1946).

`over_tasks` is about other tasks of the suite, too. Tasks and seeds are crossed random
effects; see its source there. docs/statistics.md explains both.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from trajprompt.errors import TrajpromptError

CONFIDENCE = 0.95
Interval = tuple[float, float]
NO_INTERVAL = (float("nan"), float("nan"))


@dataclass(frozen=True)
class Estimate:
    """A mean over suites, tasks and seeds, with its uncertainty over seeds."""

    mean: float
    spread: float  # sample standard deviation of the per-seed means; NaN for one seed
    low: float  # 95 % t interval over seeds; NaN for one seed
    high: float
    seeds: int
    tasks: int
    error: float = float("nan")  # standard error of the mean
    freedom: float = float("nan")  # degrees of freedom of ``error``

    def interval(self, confidence: float = CONFIDENCE) -> Interval:
        """The t interval with this confidence; NaN for one seed."""
        return t_interval(self.mean, self.error, self.freedom, confidence)

    def p_value(self, edge: float = 0.0) -> float:
        """Two-sided p of the t test that the true mean is ``edge``; NaN for one seed.

        It is below 1 − c if and only if ``edge`` is outside the interval of confidence c.
        """
        return t_test(self.mean - edge, self.error, self.freedom)


def t_interval(mean: float, error: float, freedom: float, confidence: float) -> Interval:
    """The t interval around ``mean``; NaN without degrees of freedom."""
    if math.isnan(freedom):
        return NO_INTERVAL
    half = float(stats.t.isf((1 - confidence) / 2, freedom)) * error
    return mean - half, mean + half


def t_test(distance: float, error: float, freedom: float) -> float:
    """Two-sided p of a ``distance`` with this standard error; NaN without freedom."""
    if math.isnan(freedom):
        return float("nan")
    if error == 0:
        return float(distance == 0)
    return 2 * float(stats.t.sf(abs(distance) / error, freedom))


def per_seed_means(suites: Sequence[np.ndarray]) -> np.ndarray:
    """Mean per seed (S,): over each suite's tasks, then over suites."""
    return np.mean([scores.mean(axis=0) for scores in suites], axis=0)


def estimate(suites: Sequence[np.ndarray]) -> Estimate:
    """Mean of the scores (T, S) of one or several suites, with spread and t interval.

    Suites have equal weight. Spread and interval are NaN for a single seed. Raises
    TrajpromptError if suites differ in their number of seeds, or if one is empty.
    """
    seeds = _common_seeds(suites)
    means = per_seed_means(suites)
    spread = error = freedom = float("nan")
    if seeds > 1:
        spread = float(means.std(ddof=1))
        error, freedom = _combined([_squared_error(scores) for scores in suites], seeds - 1)
    low, high = t_interval(float(means.mean()), error, freedom, CONFIDENCE)
    tasks = sum(len(scores) for scores in suites)
    return Estimate(float(means.mean()), spread, low, high, seeds, tasks, error, freedom)


def paired_difference(
    first: Sequence[np.ndarray], second: Sequence[np.ndarray]
) -> Estimate:
    """Mean of first − second, paired by (task, seed); positive if ``first`` is better.

    Raises TrajpromptError if shapes differ.
    """
    return estimate(differences(first, second))


def differences(
    first: Sequence[np.ndarray], second: Sequence[np.ndarray]
) -> list[np.ndarray]:
    """Differences (T, S) per suite, paired by task and seed; see `paired_difference`."""
    shapes = [scores.shape for scores in first], [scores.shape for scores in second]
    if shapes[0] != shapes[1]:
        found, expected = f"found shapes {shapes[0]}", f"{shapes[1]}, as in the second"
        remedy = "evaluate both methods on the same tasks and seeds"
        raise TrajpromptError("paired difference", found, expected, remedy)
    return [a - b for a, b in zip(first, second, strict=True)]


def over_tasks(scores: np.ndarray, confidence: float = CONFIDENCE) -> Interval:
    """Interval of the mean of scores (T, S) over tasks and seeds like these.

    Two-way random effects without replication (Searle, Casella & McCulloch 1992, §4.3): the
    variance of the mean is estimated by (MS_task + MS_seed − MS_rest) / TS, with the
    degrees of freedom of Satterthwaite (1946). The subtraction may only go down to the
    larger of MS_task and MS_seed, and the degrees of freedom ignore it; both widen the
    interval. NaN with a single task or seed.
    """
    tasks, seeds = scores.shape
    if min(tasks, seeds) < 2:
        return NO_INTERVAL
    rows, columns = scores.mean(axis=1), scores.mean(axis=0)
    mean = float(scores.mean())
    of_tasks, of_seeds = seeds * rows.var(ddof=1), tasks * columns.var(ddof=1)
    rest = scores - rows[:, None] - columns + mean
    of_rest = (rest**2).sum() / ((tasks - 1) * (seeds - 1))
    total = max(of_tasks + of_seeds - of_rest, of_tasks, of_seeds)
    if total == 0:
        return mean, mean
    freedom = total**2 / (of_tasks**2 / (tasks - 1) + of_seeds**2 / (seeds - 1))
    freedom = max(float(freedom), min(tasks, seeds) - 1)
    return t_interval(mean, math.sqrt(total / (tasks * seeds)), freedom, confidence)


def _squared_error(scores: np.ndarray) -> float:
    """Squared standard error of the mean of scores (T, S) of one suite, over seeds."""
    return float(scores.mean(axis=0).var(ddof=1)) / scores.shape[1]


def _combined(squared: Sequence[float], freedom: float) -> tuple[float, float]:
    """Error and degrees of freedom of the average of independent suites."""
    total = sum(squared)
    if total == 0:
        return 0.0, freedom * len(squared)
    return math.sqrt(total) / len(squared), freedom * total**2 / sum(v**2 for v in squared)


def _common_seeds(suites: Sequence[np.ndarray]) -> int:
    counts = {scores.shape[1] for scores in suites}
    if len(counts) != 1 or not all(scores.size for scores in suites):
        shapes = [scores.shape for scores in suites]
        expected = "(tasks, seeds), with equal seeds in all suites"
        remedy = "evaluate all suites with the same seeds"
        raise TrajpromptError("scores", f"found shapes {shapes}", expected, remedy)
    return counts.pop()
