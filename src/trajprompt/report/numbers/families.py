"""Corrections for the number of contrasts, and the intervals that they leave.

Primary contrasts of a paper are corrected by Holm (1979), all others by Benjamini and
Hochberg (1995). A contrast is shown with the interval at the level at which its correction
judged it. It therefore excludes the tested value if and only if the contrast is rejected.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from statsmodels.stats.multitest import multipletests

HOLM, BENJAMINI_HOCHBERG = "Holm", "Benjamini-Hochberg"
METHODS = {HOLM: "holm", BENJAMINI_HOCHBERG: "fdr_bh"}  # names of statsmodels


@dataclass(frozen=True)
class Corrected:
    """A contrast's adjusted p, and the level that its correction leaves."""

    q: float
    level: float  # 1 − confidence of its interval


def corrected(p_values: Sequence[float], method: str, alpha: float) -> list[Corrected]:
    """Correct the ``p_values`` of a family by ``method``, `HOLM` or `BENJAMINI_HOCHBERG`.

    All p-values are numbers. The levels are those of `holm_levels` and `selection_level`.
    """
    if not len(p_values):
        return []
    rejected, q, _, _ = multipletests(p_values, alpha, METHODS[method])
    if method == HOLM:
        levels = holm_levels(p_values, rejected, alpha)
    else:
        count = int(rejected.sum())
        levels = np.full(len(p_values), selection_level(count, len(p_values), alpha))
    pairs = zip(map(float, q), map(float, levels), strict=True)
    return [Corrected(*pair) for pair in pairs]


def holm_levels(
    p_values: Sequence[float], rejected: Sequence[bool], alpha: float
) -> np.ndarray:
    """Level α / (m − k + 1) of each step k of Holm's procedure; m contrasts.

    The procedure stops at the first contrast that it does not reject. That step's level
    holds for all contrasts after it, too.
    """
    count, stop = len(p_values), int(np.sum(rejected))
    ranks = np.empty(count, int)
    ranks[np.argsort(p_values, kind="stable")] = np.arange(count)
    return alpha / (count - np.minimum(ranks, stop))


def selection_level(rejected: int, count: int, alpha: float) -> float:
    """Level α R / m of intervals for R of m contrasts that were selected by their p.

    Benjamini & Yekutieli (2005): the expected share of wrong intervals among the selected
    ones is then at most α. At least α / m, the level at which none was rejected.
    """
    return alpha * max(rejected, 1) / count
