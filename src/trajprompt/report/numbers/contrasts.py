"""Differences that claims are about, in a run: returns, estimates, headroom, curves."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from trajprompt.report.numbers.aggregate import reference_returns
from trajprompt.report.numbers.cell_table import EXPERT_DATA
from trajprompt.report.numbers.claims import Claim
from trajprompt.report.numbers.statistics import (
    NO_INTERVAL,
    Estimate,
    Interval,
    differences,
    estimate,
    over_tasks,
)
from trajprompt.report.read.cells import Entry, task_by_seed
from trajprompt.report.read.published import AVERAGE, Published
from trajprompt.report.read.run import Run
from trajprompt.settings.stages import LAST_PART

Tables = Mapping[str, Published]  # printed values by name of the table
HEADROOM = 0.97  # closed share of the gap from which no gain can be seen


@dataclass(frozen=True)
class Difference:
    """First − second of a claim in a run."""

    found: Estimate
    over_tasks: Interval  # 95 %, about tasks like these; NaN for one task or an average
    episodes: int  # smallest number per task and seed


def suites_of(table: str, entry: str, suite: str, tables: Tables) -> list[str]:
    """Suites of a row; for the average, all suites that the paper averages."""
    return tables[table].suites(entry) if suite == AVERAGE else [suite]


def difference(claim: Claim, suite: str, run: Run, tables: Tables) -> Difference | None:
    """Difference of a claim on a suite, or None if the run lacks a cell or a gap of it.

    Differences of an average are of normalised returns: 0 is the mean return of random
    actions, 1 that of expert data, task by task.
    """
    suites = suites_of(claim.table, claim.first, suite, tables)
    sides = [_side(entry, minus, suites, run) for entry, minus in claim.sides]
    if sides[0] is None or sides[1] is None:
        return None
    scores = differences(sides[0], sides[1])
    if suite == AVERAGE:
        pairs = zip(scores, suites, strict=True)
        shares = [normalised_difference(found, name, run) for found, name in pairs]
        scores = [found for found in shares if found.size]
        if not scores:
            return None
    tasks = NO_INTERVAL if suite == AVERAGE else over_tasks(scores[0])
    return Difference(estimate(scores), tasks, _episodes(claim, suites, run))


def normalised_difference(scores: np.ndarray, suite: str, run: Run) -> np.ndarray:
    """Difference (T, S) in returns of a suite as a share of each task's gap.

    The gap is from random actions to expert data; tasks without one are left out.
    """
    random, expert = reference_returns(run, suite)
    kept = expert > random
    return scores[kept] / (expert - random)[kept, None]


def returns(name: str, suites: Sequence[str], run: Run) -> list[np.ndarray] | None:
    """Returns (T, S) of an entry, or of the expert data, per suite; None if missing."""
    if name == EXPERT_DATA:
        return _expert(suites, run)
    entry = run.entry(name)
    if entry is None or not all(s in run.suites and entry.covers(s) for s in suites):
        return None
    scores = run.scores(entry)
    return [scores[suite].values for suite in suites]


def closed_by_untuned(claim: Claim, suite: str, run: Run) -> float | None:
    """Closed share of the expert gap of the untuned entry that the claim gains on.

    None if the claim is not a gain of tuning over an untuned entry. The gap is that of the
    tables, from the first to the expert episodes of the data.
    """
    first, second = run.entry(claim.first), run.entry(claim.second)
    is_gain = claim.direction == "greater" and not claim.minus and suite != AVERAGE
    if first is None or second is None or not is_gain:
        return None
    if first.is_untuned or not second.is_untuned:
        return None
    return run.teacher(suite).gap_closed(float(run.scores(second)[suite].values.mean()))


def rise(name: str, suite: str, run: Run) -> Estimate | None:
    """Rise of an entry's curve over its last third, by least squares over seeds.

    The curve is that of tuning, or of the offline algorithm that learned its policy.

    None without at least two points of a curve there. Scores are in units of return.
    """
    entry = run.entry(name)
    if entry is None or suite == AVERAGE:
        return None
    by_iteration = _last_part(entry, suite, run)
    points = {
        at: found for at, found in by_iteration.items() if len(found) == len(run.seeds)
    }
    if len(points) < 2:
        return None
    at = np.array(sorted(points), float)  # (N,)
    curves = np.stack([np.stack(points[int(n)], axis=1) for n in at])  # (N, T, S)
    centred = at - at.mean()
    slope = np.tensordot(centred, curves, axes=1) / (centred**2).sum()  # (T, S)
    return estimate([slope * (at[-1] - at[0])])


def _last_part(entry: Entry, suite: str, run: Run) -> dict[int, list[np.ndarray]]:
    """Iteration or update -> mean returns (T,) per seed, of the last third of a curve."""
    found: dict[int, list[np.ndarray]] = {}
    learned = run.learning.get((suite, entry.backbone))
    if learned is not None:
        if "score" in learned:
            late = learned[learned["step"] >= LAST_PART * learned["step"].max()]
            for step, rows in late.sort_values("seed").groupby("step"):
                found[int(step)] = [np.array([score]) for score in rows["score"]]
        return found
    for seed in run.seeds:
        played = run.evaluations.rows(suite, entry, seed)
        curve = played[played["checkpoint"] == "curve"]
        start = LAST_PART * float(curve["iteration"].max()) if len(curve) else math.inf
        for iteration, part in curve[curve["iteration"] >= start].groupby("iteration"):
            means, _ = task_by_seed(part, [seed], f"{suite}/{entry.id}")
            found.setdefault(int(iteration), []).append(means.to_numpy()[:, 0])
    return found


def still_rises(found: Estimate | None, delta: float) -> bool:
    """Whether a `rise` exceeds ``delta`` and its standard error (of one seed: 0)."""
    if found is None:
        return False
    error = 0.0 if math.isnan(found.error) else found.error
    return found.mean > max(delta, error)


def _side(
    name: str, minus: str | None, suites: Sequence[str], run: Run
) -> list[np.ndarray] | None:
    """Returns (T, S) of an entry per suite, less the returns of the entry ``minus``."""
    found = returns(name, suites, run)
    if minus is None:
        return found
    subtracted = returns(minus, suites, run)
    if found is None or subtracted is None:
        return None
    return differences(found, subtracted)


def _expert(suites: Sequence[str], run: Run) -> list[np.ndarray] | None:
    """Returns (T, S) of the data's expert episodes per suite, repeated for each seed."""
    if not set(suites) <= set(run.suites):
        return None
    experts = [run.teacher(suite).expert for suite in suites]
    return [np.repeat(expert[:, None], len(run.seeds), axis=1) for expert in experts]


def _episodes(claim: Claim, suites: Sequence[str], run: Run) -> int:
    """Smallest number of evaluation episodes per task and seed in a difference."""
    names = {name for side in claim.sides for name in side if name}
    scores = [run.scores(entry) for entry in run.entries if entry.id in names]
    return min(found[suite].episodes for found in scores for suite in suites)
