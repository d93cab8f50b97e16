"""Verdicts of a run on the papers' claims, from bootstrap intervals."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from trajprompt.errors import TrajpromptError
from trajprompt.report.numbers.cell_table import EXPERT_DATA
from trajprompt.report.numbers.claims import DIRECTIONS, Claim, Contradiction, Ledger
from trajprompt.report.numbers.statistics import Estimate, estimate, paired_difference
from trajprompt.report.read.papers import THIS_REPOSITORY
from trajprompt.report.read.published import AVERAGE, Published
from trajprompt.report.read.run import Run

REPRODUCED = "reproduced"
NOT_REPRODUCED = "not reproduced"
INCONCLUSIVE = "inconclusive"
NOT_TESTED = "not tested"  # this run lacks a cell
NOT_JUDGED = "not judged"  # not about returns; `NotCompared.see` says where it is shown
CONTRADICTION = "contradiction"
VERDICTS = (REPRODUCED, NOT_REPRODUCED, INCONCLUSIVE, NOT_TESTED, NOT_JUDGED)
# Support of a claim by the paper's printed values.
YES, NO, WITHIN_MARGIN = "yes", "no", "within the margin"
NOT_PRINTED, UNKNOWN = "not printed", "margin unknown"
Tables = Mapping[str, Published]  # printed values by name of the table


def verdict(direction: str, low: float, high: float, margin: float = 0.0) -> str:
    """Verdict on ``direction`` from the 95 % interval of first − second.

    The claimed region is (margin, ∞), (−margin, ∞) or (−margin, margin), in the order of
    `DIRECTIONS`. An interval inside it reproduces the claim, an interval outside refutes
    it. An interval across the edge is inconclusive, and so is NaN (a single seed).
    """
    if direction not in DIRECTIONS:
        found, expected = f"found '{direction}'", f"one of {', '.join(DIRECTIONS)}"
        remedy = "correct the claim in claims.yaml"
        raise TrajpromptError("direction of a claim", found, expected, remedy)
    lower = margin if direction == "greater" else -margin
    upper = margin if direction == "equivalent" else float("inf")
    if lower < low and high < upper:
        return REPRODUCED
    if high < lower or low > upper:
        return NOT_REPRODUCED
    return INCONCLUSIVE


def published_supports(direction: str, printed: float | None, margin: float | None) -> str:
    """Support of a claim by the printed difference: yes, no or one of the texts above.

    The rule is `verdict`'s; the printed spread is ignored. ``WITHIN_MARGIN``: first is
    printed below second, and only our margin makes it "no less". ``margin`` is None if
    the run has no data of the suite.
    """
    if printed is None:
        return NOT_PRINTED
    if margin is None:
        certain = printed == 0 or (direction == "at-least" and printed > 0)
        return YES if certain else UNKNOWN
    if verdict(direction, printed, printed, margin) != REPRODUCED:
        return NO
    return WITHIN_MARGIN if direction == "at-least" and printed < 0 else YES


def count_verdicts(table: pd.DataFrame) -> dict[bool, dict[str, int]]:
    """Number of verdicts of each kind in a table of `judge`, one per claim and suite.

    The key is False for the papers' claims and True for our own questions. Contradictions
    have no verdict.
    """
    is_ours = table["paper"] == THIS_REPOSITORY
    return {
        ours: {
            name: int((table["verdict"][is_ours == ours] == name).sum())
            for name in VERDICTS
        }
        for ours in (False, True)
    }


def judge(ledger: Ledger, run: Run, tables: Tables) -> pd.DataFrame:
    """One row per claim and suite, per claim not compared, and per contradiction."""
    rows = [
        _judge_suite(claim, suite, run, tables)
        for claim in ledger.claims
        for suite in claim.published
    ]
    rows += [
        {"claim": claim.id, "verdict": NOT_JUDGED, "see": claim.see}
        | {"paper": claim.paper, "place": claim.place}
        for claim in ledger.not_compared
    ]
    rows += [_contradiction_row(found, run, tables) for found in ledger.contradictions]
    return pd.DataFrame(rows)


def _judge_suite(claim: Claim, suite: str, run: Run, tables: Tables) -> dict[str, Any]:
    row: dict[str, Any] = {"claim": claim.id, "suite": suite, "verdict": NOT_TESTED}
    row |= {"direction": claim.direction, "first": claim.first, "second": claim.second}
    row |= {"minus": " ".join(claim.minus)}
    suites = _suites(claim.table, claim.first, suite, tables)
    found, margin = _difference(claim, suite, suites, run), _margin(claim, suites, run)
    if found is not None:
        assert margin is not None  # the run has data of every suite with cells
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
    """Paired difference, or None if the run lacks an entry or a suite of the claim."""
    sides = [_side(entry, minus, suites, run) for entry, minus in claim.sides]
    if sides[0] is None or sides[1] is None:
        return None
    return paired_difference(sides[0], sides[1], run.stream("claim", claim.id, suite))


def _side(
    name: str, minus: str | None, suites: Sequence[str], run: Run
) -> list[np.ndarray] | None:
    """Returns (T, S) of an entry per suite, less the returns of the entry ``minus``."""
    returns = _returns(name, suites, run)
    if minus is None:
        return returns
    subtracted = _returns(minus, suites, run)
    if returns is None or subtracted is None:
        return None
    return [a - b for a, b in zip(returns, subtracted, strict=True)]


def _returns(name: str, suites: Sequence[str], run: Run) -> list[np.ndarray] | None:
    if name == EXPERT_DATA:
        return _expert(suites, run)
    entry = run.entry(name)
    if entry is None or not all(s in run.suites and entry.covers(s) for s in suites):
        return None
    scores = run.scores(entry)
    return [scores[suite].values for suite in suites]


def _expert(suites: Sequence[str], run: Run) -> list[np.ndarray] | None:
    """Returns (T, S) of the data's expert episodes per suite, repeated for each seed."""
    if not set(suites) <= set(run.suites):
        return None
    experts = [run.teacher(suite).expert for suite in suites]
    return [np.repeat(returns[:, None], len(run.seeds), axis=1) for returns in experts]


def _margin(claim: Claim, suites: Sequence[str], run: Run) -> float | None:
    """Margin in units of return: a share of the mean expert gap of the suites.

    None if the run has no data of the suites.
    """
    if not claim.margin:
        return 0.0
    if not set(suites) <= set(run.suites):
        return None
    return claim.margin * sum(run.teacher(s).gap for s in suites) / len(suites)


def _episodes(claim: Claim, suites: Sequence[str], run: Run) -> int:
    """Smallest number of evaluation episodes per task and seed in a difference."""
    names = {name for side in claim.sides for name in side if name}
    scores = [run.scores(entry) for entry in run.entries if entry.id in names]
    return min(found[suite].episodes for found in scores for suite in suites)


def _suites(table: str, entry: str, suite: str, tables: Tables) -> list[str]:
    """Suites of a row; for the average, all suites that the paper averages."""
    return tables[table].suites(entry) if suite == AVERAGE else [suite]


def _contradiction_row(found: Contradiction, run: Run, tables: Tables) -> dict[str, Any]:
    """Row of a contradiction: both printed texts, and our value if there is one."""
    row: dict[str, Any] = {"claim": found.id, "suite": found.suite or None}
    row |= {"verdict": CONTRADICTION, "first": found.entry or None}
    row |= {"paper": found.first["paper"], "place": found.first["place"]}
    row |= {"says": found.first["says"], "other_paper": found.second["paper"]}
    row |= {"other_place": found.second["place"], "other_says": found.second["says"]}
    if not found.entry:
        return row
    suites = _suites(found.table, found.entry, found.suite, tables)
    returns = _returns(found.entry, suites, run)
    if returns is not None:
        ours = estimate(returns, run.stream("contradiction", found.id))
        row |= {"ours": ours.mean, "low": ours.low, "high": ours.high, "run": run.name}
    return row
