"""A table of a paper: our results with intervals beside the published values.

``cell_table`` has one row per (entry, suite), and everything shown is derived from it. The
papers print suites as rows. Here methods are rows, so values to compare are in one column,
below the returns of the data.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from trajprompt.report.numbers.statistics import Estimate, estimate
from trajprompt.report.read.cells import Entry, Scores
from trajprompt.report.read.published import AVERAGE
from trajprompt.report.read.run import Run

FIRST_EPISODES = "data-first"
EXPERT_DATA = "data-expert"
DATA_MEAN = "data-mean"  # on D4RL suites, instead of the others
TEACHER_LABELS = {
    FIRST_EPISODES: "first episodes of the data",
    EXPERT_DATA: "expert data",
    DATA_MEAN: "mean of the data",
}
# On D4RL suites the ends of the gap are not of the run's data.
SCORE_LABELS = {FIRST_EPISODES: "D4RL's 0", EXPERT_DATA: "D4RL's 100"}


def cell_table(run: Run, checkpoint: str = "last") -> pd.DataFrame:
    """Table with a row per entry (``column``) and suite, and per entry for the average.

    It has mean, interval, spread, sample sizes, parameter counts and published values.
    The average gives equal weight to the suites that the paper prints (``Run.averaged``).
    It is left out if there is only one such suite, and for entries that lack one of them.
    Published averages are recomputed from the printed cells of the same suites.
    ``gap_closed`` is the closed share of the expert gap; its average is over suites.
    """
    levels = {
        level: [suite for suite in run.suites if _has(run, level, suite)]
        for level in TEACHER_LABELS
    }
    rows = [_teacher_row(run, one, suite) for one in levels for suite in levels[one]]
    if AVERAGE in run.shown:
        everywhere = [one for one in levels if set(run.averaged) <= set(levels[one])]
        rows += [_teacher_average(run, level) for level in everywhere]
    entries = run.entries if checkpoint == "last" else run.entries_with(checkpoint)
    for entry in entries:
        scores = run.scores(entry, checkpoint)
        for suite, found in scores.items():
            rows.append(_cell_row(run, entry, suite, [found], checkpoint))
        if AVERAGE in run.shown and set(run.averaged) <= set(scores):
            averaged = [scores[suite] for suite in run.averaged]
            rows.append(_cell_row(run, entry, AVERAGE, averaged, checkpoint))
    return pd.DataFrame(rows)


def task_table(run: Run, checkpoint: str = "last") -> pd.DataFrame:
    """Table with a row per (suite, task, entry), and the returns of the data."""
    rows = []
    for entry in run.entries:
        for suite, scores in run.scores(entry, checkpoint).items():
            for index, task in enumerate(scores.tasks):
                found = estimate([scores.values[index : index + 1]])
                teacher = run.teacher(suite)
                row = {
                    "suite": suite,
                    "task": task,
                    "column": entry.id,
                    "label": entry.label,
                }
                row |= _numbers(found) | {"episodes": scores.episodes}
                row |= {FIRST_EPISODES: teacher.first[index]}
                row |= {EXPERT_DATA: teacher.expert[index]}
                data = None if teacher.data is None else teacher.data[index]
                rows.append(row | {DATA_MEAN: data})
    return pd.DataFrame(rows)


def _cell_row(
    run: Run, entry: Entry, suite: str, scores: Sequence[Scores], checkpoint: str
) -> dict[str, object]:
    values = [found.values for found in scores]
    found = estimate(values)
    row: dict[str, object] = {"column": entry.id, "label": entry.label, "suite": suite}
    row |= _numbers(found) | {"tasks": found.tasks}
    row |= {"episodes": min(item.episodes for item in scores)}
    row |= {"success": np.mean([item.success for item in scores])}
    suites = run.averaged if suite == AVERAGE else (suite,)
    pairs = zip(suites, values, strict=True)
    shares = [run.teacher(name).gap_closed(found.mean()) for name, found in pairs]
    row |= {"gap_closed": float(np.mean(shares))}
    return row | _size(run, entry, suite) | _published(run, entry.id, suite)


def _size(run: Run, entry: Entry, suite: str) -> dict[str, object]:
    size = run.sizes.get(suite, entry)
    if size is None:
        return {"parameters": None, "parameters_percentage": None}
    return {"parameters": size.tuned, "parameters_percentage": size.percentage}


def _published(run: Run, entry: str, suite: str) -> dict[str, object]:
    if suite == AVERAGE:
        printed = run.published.get(AVERAGE, entry)
        mean = run.published.average(run.averaged, entry)
        same = mean is not None and printed is not None and abs(printed.mean - mean) < 0.06
        source = "" if mean is None else "recomputed from the printed cells"
        source += (
            "" if same or mean is None or printed is None else f" ({printed.mean} printed)"
        )
        return {"published": mean, "published_spread": None, "source": source}
    figure = run.published.get(suite, entry)
    if figure is None:
        return {"published": None, "published_spread": None, "source": ""}
    spread = figure.spread
    return {"published": figure.mean, "published_spread": spread, "source": figure.source}


def _numbers(found: Estimate) -> dict[str, object]:
    return {
        "mean": found.mean,
        "low": found.low,
        "high": found.high,
        "spread": found.spread,
        "seeds": found.seeds,
    }


def _has(run: Run, level: str, suite: str) -> bool:
    """D4RL suites have the mean of their data, the others first and expert episodes."""
    return (run.teacher(suite).data is not None) == (level == DATA_MEAN)


def _teacher_row(run: Run, level: str, suite: str) -> dict[str, object]:
    teacher = run.teacher(suite)
    returns = teacher.first if level == FIRST_EPISODES else teacher.expert
    if teacher.data is not None:
        returns = teacher.data
    row: dict[str, object] = {
        "column": level,
        "label": TEACHER_LABELS[level],
        "suite": suite,
    }
    return row | {
        "mean": returns.mean(),
        "tasks": len(returns),
        "episodes": teacher.episodes,
        "gap_closed": teacher.gap_closed(returns.mean()),
    }


def _teacher_average(run: Run, level: str) -> dict[str, object]:
    rows = pd.DataFrame([_teacher_row(run, level, suite) for suite in run.averaged])
    means = rows[["mean", "gap_closed"]].mean(skipna=False).to_dict()
    row = {"column": level, "label": TEACHER_LABELS[level], "suite": AVERAGE}
    row |= {"tasks": rows["tasks"].sum(), "episodes": rows["episodes"].min()}
    return row | means
