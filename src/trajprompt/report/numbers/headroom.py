"""Headroom: what untuned prompts leave to gain, and returns from varied starts."""

import numpy as np
import pandas as pd

from trajprompt.report.numbers.variance import UNTUNED
from trajprompt.report.read.cells import Entry
from trajprompt.report.read.run import Run
from trajprompt.rollout.columns import VARIED

HEADROOM = ["suite", "column", "label", "random", "first", "untuned", "expert"]
HEADROOM += ["gap_closed", "headroom", "seeds", "tasks", "episodes"]
STARTS = ["suite", "column", "label", "equal", "varied"]
STARTS += ["equal_gain", "varied_gain", "seeds", "tasks", "episodes"]


def headroom_table(run: Run) -> pd.DataFrame:
    """Table with a row per suite and untuned entry; returns are means over test tasks.

    ``gap_closed`` is its share of the gap from the first to the expert episodes of the
    data, ``headroom`` the return that it lacks to the expert data.
    """
    rows = []
    for suite in run.suites:
        teacher = run.teacher(suite)
        random = run.random_play(suite).returns(run.tasks(suite)).mean()
        for entry in _untuned(run, suite):
            scores = run.scores(entry)[suite]
            mean, expert = float(scores.values.mean()), float(teacher.expert.mean())
            row: dict[str, object] = {"suite": suite, "column": entry.id}
            row |= {"label": entry.label}
            row |= {"random": random, "first": float(teacher.first.mean())}
            row |= {"untuned": mean, "expert": expert}
            row |= {"gap_closed": teacher.gap_closed(mean), "headroom": expert - mean}
            rows.append(row | _sizes(run, len(scores.tasks), scores.episodes))
    return pd.DataFrame(rows, columns=HEADROOM)


def starts_table(run: Run) -> pd.DataFrame:
    """Returns from equal and from varied starts, a row per suite and entry with both.

    Gains are over the untuned entry of the same condition, from the same starts; NaN if
    there is none.
    """
    rows = []
    for suite in run.suites:
        played = [
            entry
            for entry in run.entries
            if entry.covers(suite) and run.evaluations.has(suite, entry, run.seeds, VARIED)
        ]
        untuned = {e.condition: e for e in played if e.method == UNTUNED}
        rows += [_starts(run, suite, e, untuned.get(e.condition)) for e in played]
    return pd.DataFrame(rows, columns=STARTS)


def _starts(run: Run, suite: str, entry: Entry, untuned: Entry | None) -> dict[str, object]:
    row: dict[str, object] = {"suite": suite, "column": entry.id, "label": entry.label}
    for name, checkpoint in (("equal", "last"), (VARIED, VARIED)):
        found = run.evaluations.scores(suite, entry, run.seeds, checkpoint)
        row |= {name: found.values.mean(), f"{name}_gain": np.nan}
        if untuned is not None and untuned is not entry:
            level = run.evaluations.scores(suite, untuned, run.seeds, checkpoint)
            row[f"{name}_gain"] = (found.values - level.values).mean()
    return row | _sizes(run, len(found.tasks), found.episodes)


def _untuned(run: Run, suite: str) -> list[Entry]:
    return [e for e in run.entries if e.method == UNTUNED and e.covers(suite)]


def _sizes(run: Run, tasks: int, episodes: int) -> dict[str, int]:
    return {"seeds": len(run.seeds), "tasks": tasks, "episodes": episodes}
