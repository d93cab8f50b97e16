"""Tuning curves as numbers: return at every iteration that was played."""

import pandas as pd

from trajprompt.errors import TrajpromptError
from trajprompt.report.numbers.statistics import estimate
from trajprompt.report.read.cells import Entry, task_by_seed
from trajprompt.report.read.run import Run

REMEDY = "evaluate with curve_episodes > 0, of a method that keeps a curve"


def curve_rows(run: Run, entry: Entry, suite: str) -> list[dict[str, object]]:
    """A cell's curve, a row per iteration; episodes of the same resets throughout."""
    return _rows(run, entry, suite, "curve", episodes(run, entry, suite, "curve"))


def level_rows(
    run: Run, entry: Entry, suite: str, curves: list[Entry]
) -> list[dict[str, object]]:
    """The level of a cell without a curve, beside those of ``curves``.

    Curves have fewer episodes than other cells; the level counts only those with the same
    resets, so that iteration 0, the prompt not yet tuned, lies on it.
    """
    own = episodes(run, entry, suite, "last")
    resets = [set(episodes(run, c, suite, "curve")["episode"]) for c in curves]
    if resets:
        own = own[own["episode"].isin(set.union(*resets))]
    return _rows(run, entry, suite, "last", own)


def episodes(run: Run, entry: Entry, suite: str, checkpoint: str) -> pd.DataFrame:
    """The episodes of one checkpoint of a cell, all seeds."""
    found = pd.concat([run.evaluations.rows(suite, entry, seed) for seed in run.seeds])
    found = found[found["checkpoint"] == checkpoint]
    if found.empty:
        where = f"{suite}/{entry.condition}/{entry.method}"
        raise TrajpromptError(where, f"no rows of checkpoint '{checkpoint}'", "", REMEDY)
    return found


def _rows(
    run: Run, entry: Entry, suite: str, checkpoint: str, played: pd.DataFrame
) -> list[dict[str, object]]:
    where = f"{suite}/{entry.condition}/{entry.method}"
    rows: list[dict[str, object]] = []
    for iteration, part in played.groupby("iteration"):
        means, count = task_by_seed(part, run.seeds, f"{where}, iteration {iteration}")
        stream = run.stream(checkpoint, entry.id, suite, iteration)
        found = estimate([means.to_numpy()], stream)
        row: dict[str, object] = {"column": entry.id, "label": entry.label}
        row |= {"suite": suite, "iteration": iteration, "queries": part["queries"].mean()}
        row |= {"mean": found.mean, "low": found.low, "high": found.high}
        rows.append(row | {"seeds": found.seeds, "tasks": found.tasks, "episodes": count})
    return rows
