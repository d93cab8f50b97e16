"""What the papers' printed values predict for a claim's difference."""

import math

from scipy import stats

from trajprompt.report.numbers.claims import Claim
from trajprompt.report.numbers.statistics import NO_INTERVAL, Interval
from trajprompt.report.read.published import AVERAGE, Published
from trajprompt.tasks.registry import SUITE_NAMES, get_suite


def prediction_interval(
    claim: Claim, suite: str, printed: Published, seeds: int, confidence: float = 0.95
) -> Interval:
    """Interval in which a paper's own repetition with ``seeds`` seeds would end.

    A t prediction interval around the printed difference d. An entry's printed spread s
    over n seeds adds s² (1/n + 1/seeds) to its variance, as if entries were independent,
    because no paper prints paired spreads; degrees of freedom are Welch-Satterthwaite's.
    NaN for an average, and if a spread or a number of seeds is not printed.
    """
    names = [name for side in claim.sides for name in side if name]
    cells = [printed.get(suite, name) for name in names]
    figures = claim.published.get(suite) or {}
    middle = figures.get("difference")
    if suite == AVERAGE or middle is None:
        return NO_INTERVAL
    parts: list[tuple[float, int]] = []  # variance of the mean's error, degrees of freedom
    for cell in cells:
        if cell is None or math.isnan(cell.spread) or cell.seeds is None or cell.seeds < 2:
            return NO_INTERVAL
        parts.append((cell.spread**2 * (1 / cell.seeds + 1 / seeds), cell.seeds - 1))
    total = sum(variance for variance, _ in parts)
    if total == 0:
        return float(middle), float(middle)
    freedom = total**2 / sum(variance**2 / count for variance, count in parts)
    half = float(stats.t.isf((1 - confidence) / 2, freedom)) * math.sqrt(total)
    return middle - half, middle + half


def ratio(ours: float, printed: float | None) -> float:
    """Our difference as a multiple of the printed one; NaN without one, or if it is 0."""
    return ours / printed if printed else float("nan")


def has_scores(suite: str) -> bool:
    """Whether returns of the suite are D4RL's scores.

    The printed effects are then those of D4RL's files and not of this run's data, on which
    the effects depend. So they predict nothing of ours.
    """
    return suite in SUITE_NAMES and get_suite(suite).score_range is not None
