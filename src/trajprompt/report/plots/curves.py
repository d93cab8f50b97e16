"""Tuning curves as rows: return at every evaluated iteration."""

import pandas as pd

from trajprompt.errors import TrajpromptError
from trajprompt.report.numbers.statistics import estimate
from trajprompt.report.read.cells import Entry, task_by_seed
from trajprompt.report.read.run import Run

REMEDY = "set evaluate.curve_episodes > 0 and use a method that stores a curve"


def curve_rows(run: Run, entry: Entry, suite: str) -> list[dict[str, object]]:
    """Rows of a cell's curve, one per iteration; all iterations have the same resets."""
    return _rows(run, entry, suite, "curve", episodes(run, entry, suite, "curve"))


def level_rows(
    run: Run, entry: Entry, suite: str, curves: list[Entry]
) -> list[dict[str, object]]:
    """Rows with the level of a cell without a curve, to be shown beside ``curves``.

    Curves have fewer episodes than other cells. The level uses only episodes with the same
    resets, so that it equals the return of the untuned prompt at iteration 0.
    """
    level = episodes(run, entry, suite, "last")
    resets = [set(episodes(run, c, suite, "curve")["episode"]) for c in curves]
    if resets:
        level = level[level["episode"].isin(set.union(*resets))]
    return _rows(run, entry, suite, "last", level)


def episodes(run: Run, entry: Entry, suite: str, checkpoint: str) -> pd.DataFrame:
    """Episodes of one checkpoint of a cell, of all seeds; an error if there are none."""
    found = pd.concat([run.evaluations.rows(suite, entry, seed) for seed in run.seeds])
    found = found[found["checkpoint"] == checkpoint]
    if found.empty:
        where = f"{suite}/{entry.condition}/{entry.method}"
        found, expected = f"no rows of checkpoint '{checkpoint}'", "at least one row"
        raise TrajpromptError(where, found, expected, REMEDY)
    return found


def _rows(
    run: Run, entry: Entry, suite: str, checkpoint: str, played: pd.DataFrame
) -> list[dict[str, object]]:
    where = f"{suite}/{entry.condition}/{entry.method}"
    rows: list[dict[str, object]] = []
    for iteration, part in played.groupby("iteration"):
        means, count = task_by_seed(part, run.seeds, f"{where}, iteration {iteration}")
        found = estimate([means.to_numpy()])
        row: dict[str, object] = {"column": entry.id, "label": entry.label}
        row |= {"suite": suite, "iteration": iteration, "queries": part["queries"].mean()}
        row |= {"mean": found.mean, "low": found.low, "high": found.high}
        rows.append(row | {"seeds": found.seeds, "tasks": found.tasks, "episodes": count})
    return rows
