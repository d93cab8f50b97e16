"""The rule of a verdict, and the number of verdicts of each kind.

docs/statistics.md has the rule's reasons. `judge` in ``judge.py`` applies it to a run.
"""

import math
from collections.abc import Mapping

import pandas as pd

from trajprompt.errors import TrajpromptError
from trajprompt.report.numbers.claims import DIRECTIONS
from trajprompt.report.read.papers import THIS_REPOSITORY

REPRODUCED = "reproduced"
CONTRADICTED = "contradicted"
NO_DIFFERENCE = "no difference"
TOO_NOISY = "too noisy"
NO_HEADROOM = "no headroom"  # not tuning already reaches the expert data
NOT_AT_THIS_SIZE = "not at this size"  # tuned too little here
NOT_TESTED = "not tested"  # this run lacks a cell
NOT_JUDGED = "not judged"  # not about returns, or the claim has a reason why not
CONTRADICTION = "contradiction"
DECIDED = (REPRODUCED, CONTRADICTED, NO_DIFFERENCE)
VERDICTS = (
    *DECIDED,
    *(TOO_NOISY, NO_HEADROOM, NOT_AT_THIS_SIZE, NOT_TESTED, NOT_JUDGED),
)
# Support of a claim by the paper's printed values.
YES, NO, WITHIN_DELTA = "yes", "no", "within δ"
NOT_PRINTED, UNKNOWN = "not printed", "other units"
CONTRAST_COLUMNS = ["paper", "suite", "direction", "first", "second", "minus"]


def verdict(direction: str, low: float, high: float, delta: float) -> str:
    """Verdict on ``direction`` from an interval of first − second.

    ``delta`` is the smallest effect of interest. A claim of ``greater`` has no difference
    if the interval is inside ± δ; this comes first. It is reproduced above 0 and
    contradicted below 0. ``at-least`` is reproduced above −δ and contradicted below it.
    ``equivalent`` is reproduced inside ± δ and contradicted outside. All else is too noisy,
    and so is NaN (a single seed).
    """
    if direction not in DIRECTIONS:
        found, expected = f"found '{direction}'", f"one of {', '.join(DIRECTIONS)}"
        remedy = "correct the claim in claims.yaml"
        raise TrajpromptError("direction of a claim", found, expected, remedy)
    if math.isnan(low) or math.isnan(high):
        return TOO_NOISY
    is_inside = -delta < low and high < delta
    if direction == "equivalent":
        is_outside = low > delta or high < -delta
        return REPRODUCED if is_inside else CONTRADICTED if is_outside else TOO_NOISY
    if direction == "greater" and is_inside:
        return NO_DIFFERENCE
    edge = 0.0 if direction == "greater" else -delta
    return REPRODUCED if low > edge else CONTRADICTED if high < edge else TOO_NOISY


def tested_value(direction: str, difference: float, delta: float) -> float:
    """Difference that the p-value of a claim tests: the edge of the claimed region.

    0 for ``greater`` and −δ for ``at-least``. For ``equivalent`` the nearer one of ± δ, so
    that p is twice the larger p of two one-sided tests (Schuirmann 1987) inside.
    """
    if direction == "greater":
        return 0.0
    return delta if direction == "equivalent" and difference > 0 else -delta


def published_supports(direction: str, printed: float | None, delta: float | None) -> str:
    """Support of a claim by the printed difference: yes, no or one of the texts above.

    The printed spread is ignored. ``WITHIN_DELTA``: first is printed below second, but by
    less than δ. ``delta`` is None if it has other units than the printed difference.
    """
    if printed is None:
        return NOT_PRINTED
    if direction == "greater":
        return YES if printed > 0 else NO
    if delta is None:
        return UNKNOWN
    if direction == "equivalent":
        return YES if abs(printed) < delta else NO
    return NO if printed <= -delta else YES if printed >= 0 else WITHIN_DELTA


def count_verdicts(table: pd.DataFrame) -> dict[bool, dict[str, int]]:
    """Number of verdicts of each kind in a table of `judge`.

    A contrast counts once, however many claims of a paper lean on it. The key is False for
    the papers' claims and True for our own questions. Contradictions have no verdict.
    """
    counted = counted_once(table)
    is_ours = counted["paper"] == THIS_REPOSITORY
    return {
        ours: {
            name: int((counted["verdict"][is_ours == ours] == name).sum())
            for name in VERDICTS
        }
        for ours in (False, True)
    }


def counted_once(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of a table of `judge` with each contrast once, a judged row if there is one."""
    compared = table.reindex(columns=["claim", "verdict", *CONTRAST_COLUMNS])
    compared = compared.sort_values(
        "verdict", key=lambda verdicts: verdicts == NOT_JUDGED, kind="stable"
    ).fillna(dict.fromkeys(CONTRAST_COLUMNS, ""))
    has_contrast = compared["direction"] != ""
    once = compared[has_contrast].drop_duplicates(CONTRAST_COLUMNS)
    return pd.concat([once, compared[~has_contrast]]).sort_index()


def counts_text(counts: Mapping[str, int]) -> str:
    """Counts in words, e.g. ``3 reproduced, 0 contradicted``."""
    return ", ".join(f"{count} {name}" for name, count in counts.items())
