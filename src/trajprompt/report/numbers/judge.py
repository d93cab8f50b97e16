"""Verdicts of a run on the papers' claims: a row per claim and suite.

The rule is in ``verdicts``, the corrections for the number of contrasts in ``families``.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trajprompt.report.numbers.claims import Claim, Contradiction, Ledger
from trajprompt.report.numbers.contrasts import (
    HEADROOM,
    Difference,
    Tables,
    closed_by_untuned,
    difference,
    returns,
    suites_of,
)
from trajprompt.report.numbers.families import (
    BENJAMINI_HOCHBERG,
    HOLM,
    Corrected,
    corrected,
)
from trajprompt.report.numbers.plan import Contrast, Family, Plan, contrast
from trajprompt.report.numbers.printed import has_scores, prediction_interval, ratio
from trajprompt.report.numbers.size_rule import SMALL_SHARE, may_rise, share_of
from trajprompt.report.numbers.statistics import estimate
from trajprompt.report.numbers.verdicts import (
    CONTRADICTED,
    CONTRADICTION,
    NO_DIFFERENCE,
    NO_HEADROOM,
    NOT_AT_THIS_SIZE,
    NOT_JUDGED,
    NOT_TESTED,
    REPRODUCED,
    published_supports,
    tested_value,
    verdict,
)
from trajprompt.report.read.budgets import Shares
from trajprompt.report.read.published import AVERAGE, Published
from trajprompt.report.read.run import Run

# Columns of tested claims; the table has them also if a run tests none.
TESTED = (
    *("difference", "low", "high", "confidence", "low_95", "high_95", "tasks_low"),
    *("tasks_high", "spread", "p", "q", "family", "seeds", "tasks", "episodes", "run"),
)


@dataclass(frozen=True)
class Case:
    """A claim on a suite, with its difference in the run."""

    claim: Claim
    suite: str
    found: Difference | None  # None: the run lacks a cell
    delta: float
    p: float  # two-sided, of `tested_value`; NaN without an interval

    @property
    def contrast(self) -> Contrast:
        return contrast(self.claim, self.suite)

    @property
    def reason_not_judged(self) -> str:
        return self.claim.reason_not_judged(self.suite)

    def family(self, plan: Plan) -> str:
        """Method of the family's correction."""
        return HOLM if plan.is_primary(self.claim, self.suite) else BENJAMINI_HOCHBERG


def judge(
    ledger: Ledger, run: Run, tables: Tables, plan: Plan, shares: Shares
) -> pd.DataFrame:
    """One row per claim and suite, per claim not compared, and per contradiction."""
    cases = [
        _case(claim, suite, run, tables, plan)
        for claim in ledger.claims
        for suite in claim.published
    ]
    levels = _corrected(cases, plan)
    rows = [
        _row(case, run, tables, plan, shares, levels.get(case.contrast)) for case in cases
    ]
    rows += [
        {"claim": claim.id, "verdict": NOT_JUDGED, "see": claim.see}
        | {"paper": claim.paper, "place": claim.place}
        for claim in ledger.not_compared
    ]
    rows += [_contradiction_row(found, run, tables) for found in ledger.contradictions]
    table = pd.DataFrame(rows)
    return table.reindex(columns=[*dict.fromkeys([*table.columns, *TESTED])])


def _case(claim: Claim, suite: str, run: Run, tables: Tables, plan: Plan) -> Case:
    found, delta = difference(claim, suite, run, tables), plan.delta(claim, suite)
    if found is None:
        return Case(claim, suite, None, delta, float("nan"))
    edge = tested_value(claim.direction, found.found.mean, delta)
    return Case(claim, suite, found, delta, found.found.p_value(edge))


def _corrected(cases: Sequence[Case], plan: Plan) -> dict[Contrast, Corrected]:
    """Corrected p and level of every contrast that has a p and is judged, by family."""
    families: dict[Family, dict[Contrast, float]] = {}
    for case in cases:
        if not math.isnan(case.p) and not case.reason_not_judged:
            key = plan.family(case.contrast)
            families.setdefault(key, {})[case.contrast] = case.p
    found: dict[Contrast, Corrected] = {}
    for (*_, is_primary), members in families.items():
        method = HOLM if is_primary else BENJAMINI_HOCHBERG
        levels = corrected(list(members.values()), method, plan.alpha)
        found |= dict(zip(members, levels, strict=True))
    return found


def _row(
    case: Case,
    run: Run,
    tables: Tables,
    plan: Plan,
    shares: Shares,
    level: Corrected | None,
) -> dict[str, Any]:
    claim, suite = case.claim, case.suite
    row: dict[str, Any] = {"claim": claim.id, "suite": suite, "verdict": NOT_TESTED}
    row |= {"direction": claim.direction, "first": claim.first, "second": claim.second}
    row |= {"minus": " ".join(claim.minus), "delta": case.delta}
    row["primary"] = plan.is_primary(claim, suite)
    first, second = run.entry(claim.first), run.entry(claim.second)
    row["first_share"] = share_of(suite, first, second, shares)
    row["second_share"] = share_of(suite, second, first, shares)
    if case.reason_not_judged:
        level = None
        row |= {"verdict": NOT_JUDGED, "reason": case.reason_not_judged}
    if case.found is not None:
        row |= _numbers(case, case.found, plan, level) | {"run": run.name}
        if not case.reason_not_judged:
            row |= _verdict(case, row, run)
    return row | _printed(case, run, tables) | {"note": claim.note} | _source(claim)


def _numbers(
    case: Case, difference: Difference, plan: Plan, level: Corrected | None
) -> dict[str, Any]:
    """Difference with its intervals, p-values and sample sizes.

    ``low`` and ``high`` are at the level that the correction leaves, or without one at α.
    """
    found = difference.found
    confidence = 1 - (level.level if level else plan.alpha)
    low, high = found.interval(confidence)
    numbers: dict[str, Any] = {"difference": found.mean, "low": low, "high": high}
    numbers |= {"confidence": confidence, "low_95": found.low, "high_95": found.high}
    numbers |= dict(zip(("tasks_low", "tasks_high"), difference.over_tasks, strict=True))
    numbers |= {"spread": found.spread, "p": case.p}
    if level:
        numbers |= {"q": level.q, "family": case.family(plan)}
    return numbers | {
        "seeds": found.seeds,
        "tasks": found.tasks,
        "episodes": difference.episodes,
    }


def _verdict(case: Case, row: dict[str, Any], run: Run) -> dict[str, str]:
    """Verdict of a tested row, and a reason if it is not the interval's."""
    claim, suite = case.claim, case.suite
    closed = closed_by_untuned(claim, suite, run)
    if closed is not None and closed >= HEADROOM:
        reason = f"{claim.second} closes {closed:.0%} of the gap"
        return {"verdict": NO_HEADROOM, "reason": reason}
    found = verdict(claim.direction, row["low"], row["high"], case.delta)
    # The verdict is against this side, whose curve may not have levelled off.
    side = {CONTRADICTED: "first", NO_DIFFERENCE: "first", REPRODUCED: "second"}.get(found)
    share = row[f"{side}_share"] if side and claim.direction != "equivalent" else None
    if share is not None and share < SMALL_SHARE:
        name = claim.first if side == "first" else claim.second
        if curve := may_rise(name, suite, run, case.delta, side == "first"):
            reason = f"{found} by its interval; {name} has {100 * share:.2g}% of the budget"
            return {"verdict": NOT_AT_THIS_SIZE, "reason": f"{reason}, and {curve}"}
    return {"verdict": found}


def _printed(case: Case, run: Run, tables: Tables) -> dict[str, Any]:
    """The paper's values, and what they say of the claim and of our difference."""
    claim, suite = case.claim, case.suite
    figures = claim.published[suite] or {}
    printed = figures.get("difference")
    row = {f"published_{name}": value for name, value in figures.items()}
    delta = None if suite == AVERAGE else case.delta
    row |= {"published_supports": published_supports(claim.direction, printed, delta)}
    if case.found is None or suite == AVERAGE or printed is None or has_scores(suite):
        return row
    ours = case.found.found.mean
    row |= {"ratio": ratio(ours, printed)}
    table = tables.get(claim.table, Published([]))
    low, high = prediction_interval(claim, suite, table, len(run.seeds))
    if math.isnan(low):
        return row
    inside = "yes" if low <= ours <= high else "no"
    return row | {"predicted_low": low, "predicted_high": high, "as_predicted": inside}


def _source(claim: Claim) -> dict[str, str]:
    return {"paper": claim.paper, "place": claim.place}


def _contradiction_row(found: Contradiction, run: Run, tables: Tables) -> dict[str, Any]:
    """Row of a contradiction: both printed texts, and our value if there is one."""
    row: dict[str, Any] = {"claim": found.id, "suite": found.suite or None}
    row |= {"verdict": CONTRADICTION, "first": found.entry or None}
    row |= {"paper": found.first["paper"], "place": found.first["place"]}
    row |= {"says": found.first["says"], "other_paper": found.second["paper"]}
    row |= {"other_place": found.second["place"], "other_says": found.second["says"]}
    if not found.entry:
        return row
    suites = suites_of(found.table, found.entry, found.suite, tables)
    values = returns(found.entry, suites, run)
    if values is not None:
        ours = estimate(values)
        row |= {"ours": ours.mean, "low": ours.low, "high": ours.high, "run": run.name}
    return row
