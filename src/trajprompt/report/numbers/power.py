"""Power of a run: which effects its seeds can show, from the spread that it measured.

The test is the two-sided paired t test over seeds, whose squared t has a noncentral F
distribution. (SciPy's noncentral t, which statsmodels uses, is NaN for large effects.) A
spread from a few seeds is uncertain itself: with five, the true one is between 0.6 and 2.9
times as large (95 %).
"""

import math

import numpy as np
import pandas as pd
from scipy import stats
from scipy.optimize import brentq

from trajprompt.report.numbers.plan import Plan
from trajprompt.report.numbers.statistics import t_interval
from trajprompt.report.numbers.verdicts import CONTRAST_COLUMNS, NOT_JUDGED, NOT_TESTED
from trajprompt.report.read.published import AVERAGE

POWER = 0.8
LARGEST_EFFECT = 1e4  # in spreads
MOST_SEEDS = 10_000
PER_SUITE = "all contrasts"  # in place of a claim


def power(effect: float, seeds: int, alpha: float) -> float:
    """Probability that the test at level ``alpha`` rejects; ``effect`` is in spreads."""
    freedom = seeds - 1
    critical = stats.t.isf(alpha / 2, freedom) ** 2
    return float(stats.ncf.sf(critical, 1, freedom, seeds * effect**2))


def smallest_effect(seeds: int, alpha: float, wanted: float = POWER) -> float:
    """Smallest effect, in spreads, that is detected with probability ``wanted``."""
    high = 1.0
    while high < LARGEST_EFFECT and power(high, seeds, alpha) < wanted:
        high *= 2
    return float(brentq(lambda d: power(d, seeds, alpha) - wanted, 1e-9, high))


def seeds_needed(effect: float, alpha: float, wanted: float = POWER) -> int | None:
    """Smallest number of seeds that detects ``effect``, in spreads; None above 10,000."""
    low, high = 1, MOST_SEEDS  # one seed has no test
    if not power(effect, high, alpha) >= wanted:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if power(effect, middle, alpha) >= wanted:
            high = middle
        else:
            low = middle
    return high


def power_table(claims: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """Power of the contrasts in ``claims``, a table of `judge`.

    A row per primary contrast, then a row per suite and δ with the root mean square of the
    spreads of all its contrasts. Effects are counted from the tested value, 0 or −δ.
    ``holm`` is the strictest level of the family, α / m. Empty for a single seed.
    """
    if "spread" not in claims:  # nothing is tested
        return pd.DataFrame()
    tested = claims[~claims["verdict"].isin([NOT_TESTED, NOT_JUDGED])]
    tested = tested[tested["spread"].notna() & (tested["suite"] != AVERAGE)]
    tested = tested.drop_duplicates(CONTRAST_COLUMNS)
    is_primary = [_key(row) in plan.primary for _, row in tested.iterrows()]
    primary = tested[np.array(is_primary, bool)]
    families = [plan.family(_key(row)) for _, row in primary.iterrows()]
    rows = [
        _contrast_row(row, plan, families.count(family))
        for (_, row), family in zip(primary.iterrows(), families, strict=True)
    ]
    for (suite, delta), found in tested.groupby(["suite", "delta"], sort=False):
        spread = math.sqrt((found["spread"] ** 2).mean())
        row = {"suite": suite, "claim": PER_SUITE, "contrasts": len(found)}
        seeds = int(found["seeds"].iloc[0])
        rows.append(row | _detected(spread, seeds, float(delta), plan, 1))
    return pd.DataFrame(rows)


def _key(row: pd.Series) -> tuple[str, ...]:
    names = ("paper", "suite", "direction", "first", "second", "minus")
    return tuple(str(row[name]) for name in names)


def _contrast_row(row: pd.Series, plan: Plan, family: int) -> dict[str, object]:
    spread, seeds, delta = row["spread"], int(row["seeds"]), row["delta"]
    made: dict[str, object] = {"suite": row["suite"], "claim": row["claim"], "contrasts": 1}
    made |= _detected(spread, seeds, delta, plan, family)
    printed = row.get("published_difference")
    if printed is None or math.isnan(printed) or row["direction"] == "equivalent":
        return made
    distance = printed + (delta if row["direction"] == "at-least" else 0.0)
    made |= {"paper_effect": distance}
    if distance > 0 and spread > 0:
        levels = {"": plan.alpha, "_holm": plan.alpha / family}
        for name, alpha in levels.items():
            made[f"seeds_needed{name}"] = seeds_needed(distance / spread, alpha)
    return made


def _detected(
    spread: float, seeds: int, delta: float, plan: Plan, family: int
) -> dict[str, object]:
    """Spread, half-width and smallest detected effects in units of return."""
    error = spread / math.sqrt(seeds)
    _, half = t_interval(0.0, error, seeds - 1, 1 - plan.alpha)
    strict = plan.alpha / family
    return {
        "seeds": seeds,
        "spread": spread,
        "delta": delta,
        "half_width": half,
        "half_width_per_delta": half / delta,
        "detected": spread * smallest_effect(seeds, plan.alpha),
        "detected_holm": spread * smallest_effect(seeds, strict),
        "family": family,
    }
