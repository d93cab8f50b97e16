"""Tuning curves as rows: return at every evaluated iteration."""

import numpy as np
import pandas as pd

from trajprompt.errors import TrajpromptError
from trajprompt.report.plots.estimates import difference, level, renamed
from trajprompt.report.read.cells import Entry, task_by_seed
from trajprompt.report.read.run import Run

REMEDY = "set evaluate.curve_episodes > 0 and use a method that stores a curve"


def curve_rows(
    run: Run, entry: Entry, suite: str, baseline: Entry | None = None
) -> list[dict[str, object]]:
    """Rows of a cell's curve, one per iteration; all iterations have the same resets.

    The last iteration has the episodes of the tables, so that figure and table agree.
    Columns ``gain`` are the return less that of ``baseline``, paired by task, seed and
    episode; if the run lacks the baseline on the suite, less that of the first iteration.
    """
    where = f"{suite}/{entry.condition}/{entry.method}"
    curve = _with_last(episodes(run, entry, suite, "curve"), run, entry, suite)
    zero = curve[curve["iteration"] == curve["iteration"].min()]
    if baseline is not None and baseline.covers(suite):
        zero = episodes(run, baseline, suite, "last")
    rows = []
    for iteration, part in curve.groupby("iteration"):
        names = ("curve", entry.id, suite, iteration)
        means, count = task_by_seed(part, run.seeds, f"{where}, iteration {iteration}")
        level_of_pairs = task_by_seed(_paired(zero, part), run.seeds, f"{where}, paired")[0]
        pair = [means.to_numpy()], [level_of_pairs.to_numpy()]
        row: dict[str, object] = {"column": entry.id, "label": entry.label, "suite": suite}
        row |= {"iteration": iteration, "queries": part["queries"].mean()}
        row |= {"episodes": count} | level(run, pair[0], *names)
        rows.append(row | renamed(difference(run, *pair, "gain", *names), "gain"))
    return rows


def _paired(zero: pd.DataFrame, part: pd.DataFrame) -> pd.DataFrame:
    """Rows of ``zero`` from the resets of ``part``, or all if they share none."""
    keys = ["task", "seed", "episode"]
    shared = zero.merge(part[keys].drop_duplicates(), on=keys)
    return zero if shared.empty else shared


def level_row(run: Run, entry: Entry, suite: str) -> dict[str, object]:
    """Row of a cell without a curve, from the episodes of the tables."""
    scores = run.scores(entry)[suite]
    row: dict[str, object] = {"column": entry.id, "label": entry.label, "suite": suite}
    row |= {"iteration": 0, "queries": 0, "episodes": scores.episodes}
    names = ("curve", entry.id, suite)
    zero = renamed(difference(run, [scores.values], [scores.values], *names), "gain")
    return row | level(run, [scores.values], *names) | zero


def episodes(run: Run, entry: Entry, suite: str, checkpoint: str) -> pd.DataFrame:
    """Episodes of one checkpoint of a cell, of all seeds; an error if there are none."""
    found = pd.concat([run.evaluations.rows(suite, entry, seed) for seed in run.seeds])
    found = found[found["checkpoint"] == checkpoint]
    if found.empty:
        where = f"{suite}/{entry.condition}/{entry.method}"
        found, expected = f"no rows of checkpoint '{checkpoint}'", "at least one row"
        raise TrajpromptError(where, found, expected, REMEDY)
    return found


def _with_last(curve: pd.DataFrame, run: Run, entry: Entry, suite: str) -> pd.DataFrame:
    """``curve`` with all episodes of the last prompt, of which it has fewer."""
    last = episodes(run, entry, suite, "last")
    end = np.asarray(last["iteration"]).max()
    return pd.concat([curve[curve["iteration"] != end], last])
