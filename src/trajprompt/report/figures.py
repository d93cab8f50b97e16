"""Pictures of Table 1 and of Figure 5."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from trajprompt.errors import TrajpromptError
from trajprompt.report.cells import Column, task_by_seed
from trajprompt.report.markdown import SUITE_LABELS
from trajprompt.report.run import Run
from trajprompt.report.statistics import estimate
from trajprompt.report.style import (
    BLACK,
    BLUE,
    CYCLE,
    GREEN,
    GREY,
    VERMILLION,
    legend_below,
    panels,
    save,
)
from trajprompt.report.tables import EXPERT_DATA, FIRST_EPISODES, TEACHER_LABELS

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_table1(table: pd.DataFrame, run: Run, stem: str | Path) -> None:
    """A panel per suite: every method's return, ours and published, between the data's."""
    with panels(len(run.suites), share_y=True) as (figure, axes):
        for suite, axis in zip(run.suites, axes, strict=True):
            _table1_panel(axis, table[table["suite"] == suite].set_index("column"), run)
            axis.set_title(SUITE_LABELS.get(suite, suite))
            axis.set_xlabel("return per episode (higher is better)")
        axes[0].set_ylim(len(run.columns) - 0.4, -0.6)
        legend_below(figure, axes)
        save(figure, stem)


def _table1_panel(axis: "Axes", rows: pd.DataFrame, run: Run) -> None:
    colours = {FIRST_EPISODES: GREY, EXPERT_DATA: GREEN}
    for level, label in TEACHER_LABELS.items():
        dashes = ":" if level == FIRST_EPISODES else "--"
        axis.axvline(rows.loc[level, "mean"], color=colours[level], ls=dashes, label=label)
    methods = [column.id for column in run.columns]
    for place, name in enumerate(methods):
        if name in rows.index:
            _ours(axis, rows.loc[name], place - 0.15)
            _papers(axis, rows.loc[name], place + 0.15)
    axis.set_yticks(range(len(methods)), [column.label for column in run.columns])


def _ours(axis: "Axes", row: pd.Series, place: float) -> None:
    label = "this run, 95 % interval"
    if not np.isnan(row["low"]):
        axis.plot([row["low"], row["high"]], [place, place], color=BLUE, lw=2)
    axis.plot(row["mean"], place, "o", color=BLUE, ls="-", lw=2, label=label)


def _papers(axis: "Axes", row: pd.Series, place: float) -> None:
    if pd.isna(row["published"]):
        return
    axis.errorbar(
        row["published"],
        place,
        xerr=row["published_spread"],
        fmt="D",
        color=VERMILLION,
        markerfacecolor="white",
        label="paper, ± spread over seeds",
    )


def curve_table(run: Run, curves: Sequence[str], untuned: str) -> pd.DataFrame:
    """Figure 5 as numbers: per column, suite and checkpoint the return with its interval.

    Rows with the column id of ``untuned`` are the untuned level. Curves have fewer episodes
    than other cells; the level counts only those with the same resets, so that iteration 0,
    the prompt not yet tuned, lies on it.
    """
    rows = []
    level = _column(run, untuned)
    for suite in run.suites:
        tuned = [
            column for column in (_column(run, n) for n in curves) if column.covers(suite)
        ]
        parts = {column: _episodes(run, column, suite, "curve") for column in tuned}
        if level.covers(suite):
            own = _episodes(run, level, suite, "last")
            if parts:
                resets = [set(part["episode"]) for part in parts.values()]
                own = own[own["episode"].isin(set.union(*resets))]
            rows += _curve_rows(run, level, suite, "last", own)
        for column, part in parts.items():
            rows += _curve_rows(run, column, suite, "curve", part)
    return pd.DataFrame(rows)


def _column(run: Run, name: str) -> Column:
    column = run.column(name)
    if column is None:
        known = [column.id for column in run.columns]
        raise TrajpromptError("figure 5", f"no column '{name}'", f"one of {known}")
    return column


def _episodes(run: Run, column: Column, suite: str, kind: str) -> pd.DataFrame:
    """The episodes of a cell's checkpoint ``kind``, all seeds."""
    episodes = pd.concat([run.evaluations.rows(suite, column, seed) for seed in run.seeds])
    episodes = episodes[episodes["checkpoint"] == kind]
    if episodes.empty:
        where = f"{suite}/{column.setting}/{column.method}"
        remedy = "evaluate with curve_episodes > 0, or leave the column out of --curves"
        raise TrajpromptError(where, f"no rows of checkpoint '{kind}'", "some", remedy)
    return episodes


def _curve_rows(
    run: Run, column: Column, suite: str, kind: str, episodes: pd.DataFrame
) -> list[dict[str, object]]:
    where = f"{suite}/{column.setting}/{column.method}"
    rows: list[dict[str, object]] = []
    for iteration, part in episodes.groupby("iteration"):
        means, count = task_by_seed(part, run.seeds, f"{where}, iteration {iteration}")
        found = estimate([means.to_numpy()], run.stream(kind, column.id, suite, iteration))
        row: dict[str, object] = {"column": column.id, "label": column.label}
        row |= {"suite": suite, "iteration": iteration, "queries": part["queries"].mean()}
        row |= {"mean": found.mean, "low": found.low, "high": found.high}
        rows.append(row | {"seeds": found.seeds, "tasks": found.tasks, "episodes": count})
    return rows


def draw_curves(table: pd.DataFrame, run: Run, untuned: str, stem: str | Path) -> None:
    """Figure 5: return against oracle queries, a line and a band per method."""
    names = [name for name in dict.fromkeys(table["column"]) if name != untuned]
    suites = [suite for suite in run.suites if suite in set(table["suite"])]
    with panels(len(suites)) as (figure, axes):
        for suite, axis in zip(suites, axes, strict=True):
            rows = table[table["suite"] == suite]
            level = rows[rows["column"] == untuned]
            if not level.empty:
                label = f"not tuned ({level['label'].iloc[0]})"
                axis.axhline(level["mean"].iloc[0], color=BLACK, ls=":", label=label)
            for name, colour in zip(names, CYCLE, strict=False):
                _curve(axis, rows[rows["column"] == name].sort_values("queries"), colour)
            axis.set_title(SUITE_LABELS.get(suite, suite))
            axis.set_xlabel("oracle queries per prompt")
            axis.set_ylabel("return per episode")
        legend_below(figure, axes)
        save(figure, stem)


def _curve(axis: "Axes", rows: pd.DataFrame, colour: str) -> None:
    if rows.empty:
        return
    banded = rows["low"].notna().any()  # not with a single seed
    label = f"{rows['label'].iloc[0]}{', 95 % band' if banded else ''}"
    queries = rows["queries"].to_numpy(dtype=float)
    axis.plot(queries, rows["mean"], "o-", color=colour, ms=4, lw=1.8, label=label)
    low, high = rows["low"].to_numpy(dtype=float), rows["high"].to_numpy(dtype=float)
    axis.fill_between(queries, low, high, color=colour, alpha=0.18, lw=0)
