"""What a run says to the papers' claims, with bootstrap intervals."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from trajprompt.errors import TrajpromptError
from trajprompt.report.numbers.cell_table import EXPERT_DATA
from trajprompt.report.numbers.claims import DIRECTIONS, Claim, Contradiction, Ledger
from trajprompt.report.numbers.statistics import Estimate, estimate, paired_difference
from trajprompt.report.read.papers import OWN
from trajprompt.report.read.published import AVERAGE, Published
from trajprompt.report.read.run import Run

REPRODUCED = "reproduced"
NOT_REPRODUCED = "not reproduced"
INCONCLUSIVE = "inconclusive"
NOT_TESTED = "not tested"  # this run lacks a cell
NOT_JUDGED = "not judged"  # about something else than returns; shown at the place named
CONTRADICTION = "contradiction"
VERDICTS = (REPRODUCED, NOT_REPRODUCED, INCONCLUSIVE, NOT_TESTED, NOT_JUDGED)
# Whether a paper's own figures support what it claims.
YES, NO, WITHIN_MARGIN = "yes", "no", "within the margin"
NOT_PRINTED, UNKNOWN = "not printed", "margin unknown"
Tables = Mapping[str, Published]  # what every table prints, by its name


def verdict(direction: str, low: float, high: float, margin: float = 0.0) -> str:
    """The verdict on ``direction`` from the 95 % interval of first − second.

    The claimed region is (margin, ∞), (−margin, ∞) or (−margin, margin). An interval inside
    it reproduces the claim, one outside refutes it, and one across its edge decides
    nothing; nor does NaN, the interval of a single seed.
    """
    if direction not in DIRECTIONS:
        raise TrajpromptError("claim", f"direction '{direction}'", f"one of {DIRECTIONS}")
    lower = margin if direction == "greater" else -margin
    upper = margin if direction == "equivalent" else float("inf")
    if lower < low and high < upper:
        return REPRODUCED
    if high < lower or low > upper:
        return NOT_REPRODUCED
    return INCONCLUSIVE


def published_supports(direction: str, printed: float | None, margin: float | None) -> str:
    """Whether the printed difference itself lies in the claimed region.

    By the rule of `verdict`; its spread is left aside. ``WITHIN_MARGIN``: first is printed
    below second, and only the margin, which is ours, makes it "no less". A ``margin`` of
    None is not known, as the run has no data of the suite.
    """
    if printed is None:
        return NOT_PRINTED
    if margin is None:
        sure = printed == 0 or (direction == "at-least" and printed > 0)
        return YES if sure else UNKNOWN
    if verdict(direction, printed, printed, margin) != REPRODUCED:
        return NO
    return WITHIN_MARGIN if direction == "at-least" and printed < 0 else YES


def count_verdicts(table: pd.DataFrame) -> dict[bool, dict[str, int]]:
    """Verdicts of each kind in a table of `judge`, suite by suite.

    Under False those on the papers' claims, under True those on our own questions. The
    papers' contradictions have no verdict.
    """
    own = table["paper"] == OWN
    return {
        ours: {
            name: int((table["verdict"][own == ours] == name).sum()) for name in VERDICTS
        }
        for ours in (False, True)
    }


def judge(ledger: Ledger, run: Run, tables: Tables) -> pd.DataFrame:
    """One row per claim and suite, per remark, and per contradiction."""
    rows = [
        _judge_suite(claim, suite, run, tables)
        for claim in ledger.claims
        for suite in claim.published
    ]
    rows += [
        {"claim": remark.id, "verdict": NOT_JUDGED, "see": remark.see}
        | {"paper": remark.paper, "place": remark.place}
        for remark in ledger.not_compared
    ]
    rows += [_beside(found, run, tables) for found in ledger.contradictions]
    return pd.DataFrame(rows)


def _judge_suite(claim: Claim, suite: str, run: Run, tables: Tables) -> dict[str, Any]:
    row: dict[str, Any] = {"claim": claim.id, "suite": suite, "verdict": NOT_TESTED}
    row |= {"direction": claim.direction, "first": claim.first, "second": claim.second}
    row |= {"minus": " ".join(claim.minus)}
    suites = _suites(claim.table, claim.first, suite, tables)
    found, margin = _difference(claim, suite, suites, run), _margin(claim, suites, run)
    if found is not None:
        assert margin is not None  # what has cells has data
        row["verdict"] = verdict(claim.direction, found.low, found.high, margin)
        row |= {"difference": found.mean, "low": found.low, "high": found.high}
        row |= {"margin": margin, "seeds": found.seeds, "tasks": found.tasks}
        row |= {"episodes": _episodes(claim, suites, run), "run": run.name}
    printed = claim.published[suite] or {}
    row |= {f"published_{name}": value for name, value in printed.items()}
    supports = published_supports(claim.direction, printed.get("difference"), margin)
    row |= {"published_supports": supports, "note": claim.note}
    return row | {"paper": claim.paper, "place": claim.place}


def _difference(
    claim: Claim, suite: str, suites: Sequence[str], run: Run
) -> Estimate | None:
    """The paired difference, or None if this run lacks an entry or a suite of the claim."""
    sides = [_side(entry, less, suites, run) for entry, less in claim.sides]
    if sides[0] is None or sides[1] is None:
        return None
    return paired_difference(sides[0], sides[1], run.stream("claim", claim.id, suite))


def _side(
    name: str, less: str | None, suites: Sequence[str], run: Run
) -> list[np.ndarray] | None:
    """(T, S) per suite: what an entry earned, or how much more than another."""
    earned = _returns(name, suites, run)
    if less is None:
        return earned
    other = _returns(less, suites, run)
    if earned is None or other is None:
        return None
    return [a - b for a, b in zip(earned, other, strict=True)]


def _returns(name: str, suites: Sequence[str], run: Run) -> list[np.ndarray] | None:
    if name == EXPERT_DATA:
        return _expert(suites, run)
    entry = run.entry(name)
    if entry is None or not all(s in run.suites and entry.covers(s) for s in suites):
        return None
    scores = run.scores(entry)
    return [scores[suite].values for suite in suites]


def _expert(suites: Sequence[str], run: Run) -> list[np.ndarray] | None:
    """What the data's expert episodes earned, the same under every seed."""
    if not set(suites) <= set(run.suites):
        return None
    earned = [run.teacher(suite).expert for suite in suites]
    return [np.repeat(returns[:, None], len(run.seeds), axis=1) for returns in earned]


def _margin(claim: Claim, suites: Sequence[str], run: Run) -> float | None:
    """The margin in units of return: a share of how far the data's expert episodes are
    from its first. None where the run has no data of the suites.
    """
    if not claim.margin:
        return 0.0
    if not set(suites) <= set(run.suites):
        return None
    return claim.margin * sum(run.teacher(s).gap for s in suites) / len(suites)


def _episodes(claim: Claim, suites: Sequence[str], run: Run) -> int:
    """The fewest evaluation episodes per task and seed behind a difference."""
    names = {name for side in claim.sides for name in side if name}
    scores = [run.scores(entry) for entry in run.entries if entry.id in names]
    return min(found[suite].episodes for found in scores for suite in suites)


def _suites(table: str, entry: str, suite: str, tables: Tables) -> list[str]:
    """The suites behind a row: for the average, all that the paper averages."""
    return tables[table].suites(entry) if suite == AVERAGE else [suite]


def _beside(found: Contradiction, run: Run, tables: Tables) -> dict[str, Any]:
    """A contradiction's row: what is printed, and what we have in its place."""
    row: dict[str, Any] = {"claim": found.id, "suite": found.suite or None}
    row |= {"verdict": CONTRADICTION, "first": found.entry or None}
    row |= {"paper": found.first["paper"], "place": found.first["place"]}
    row |= {"says": found.first["says"], "other_paper": found.second["paper"]}
    row |= {"other_place": found.second["place"], "other_says": found.second["says"]}
    if not found.entry:
        return row
    suites = _suites(found.table, found.entry, found.suite, tables)
    earned = _returns(found.entry, suites, run)
    if earned is not None:
        ours = estimate(earned, run.stream("contradiction", found.id))
        row |= {"ours": ours.mean, "low": ours.low, "high": ours.high, "run": run.name}
    return row
