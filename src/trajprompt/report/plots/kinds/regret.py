"""Cumulative regret of search methods against the number of episodes.

The regret of an episode is the best known return minus its return. The best known return
on a task under a seed is the highest mean in the evaluation (stage 4) among all entries of
the figure. As a maximum of noisy means it raises the slope of all lines equally. Regret
falls where the episodes of a method exceed it.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from trajprompt.report.pages.formats import span, suite_label
from trajprompt.report.plots.direct_labels import (
    End,
    bars_note,
    end_of,
    left_out,
    method_lines,
    untuned_end,
)
from trajprompt.report.plots.estimates import level
from trajprompt.report.plots.figure import Figure, equal_resets
from trajprompt.report.plots.marks import plural
from trajprompt.report.plots.style import BLACK, canvas, headline, save
from trajprompt.report.read.cells import Entry

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RETURNS = "episode_returns"  # extra of an adaptation, (R, episodes)
POINTS = 25  # per line, evenly spread over its episodes
PANEL_INCHES, HEAD_INCHES = 3.4, 0.9


def table(figure: Figure) -> pd.DataFrame:
    """Regrets: a row per suite, entry and number of episodes; the baseline's is linear."""
    returns: dict[tuple[str, str], list[np.ndarray]] = {}  # of each seed (T, N)
    compared = {entry.id for entry in figure.compared}
    for cell in figure.prompts():
        if cell.entry.id in compared:
            found = cell.by_task(cell.require(RETURNS))
            returns.setdefault((cell.suite, cell.entry.id), []).append(found)
    rows: list[dict[str, object]] = []
    for suite in figure.covered(figure.compared):
        best = best_known(figure, suite)  # (T, S)
        here = {c.id: returns[suite, c.id] for c in figure.compared if c.covers(suite)}
        if figure.baseline.covers(suite):
            longest = max(played[0].shape[-1] for played in here.values())
            earned = figure.run.scores(figure.baseline)[suite].values
            untuned = np.repeat(earned[..., None], longest, axis=-1)
            rows += _rows(figure, figure.baseline, suite, best, untuned)
        for entry in figure.compared:
            if entry.id in here:
                played = np.stack(here[entry.id], axis=1)  # (T, S, N)
                rows += _rows(figure, entry, suite, best, played)
    return pd.DataFrame(rows)


def best_known(figure: Figure, suite: str) -> np.ndarray:
    """Highest mean return in the evaluation of any entry, by task and seed (T, S)."""
    entries = [entry for entry in figure.run.entries if entry.covers(suite)]
    return np.max([figure.run.scores(c)[suite].values for c in entries], axis=0)


def _rows(
    figure: Figure, entry: Entry, suite: str, best: np.ndarray, returns: np.ndarray
) -> list[dict[str, object]]:
    """Rows of one line from the best known (T, S) and the episode returns (T, S, N)."""
    total = np.cumsum(best[..., None] - returns, axis=-1)
    rows: list[dict[str, object]] = []
    for count in _counts(total.shape[-1]):
        regret = total[..., count - 1] if count else np.zeros_like(best)
        row: dict[str, object] = {"suite": suite, "column": entry.id}
        row |= {"label": entry.label, "queries": count, "best_known": best.mean()}
        rows.append(row | level(figure.run, [regret], "regret", entry.id, suite, count))
    return rows


def _counts(episodes: int) -> list[int]:
    return list(dict.fromkeys(-(-episodes * n // POINTS) for n in range(POINTS + 1)))


def draw(rows: pd.DataFrame, figure: Figure, stem: Path) -> None:
    """Draw a panel per suite with a line per method, labelled at its end."""
    suites = list(dict.fromkeys(rows["suite"]))
    height = HEAD_INCHES + PANEL_INCHES * len(suites)
    with canvas(len(suites), 1, height) as (picture, axes):
        for suite, axis in zip(suites, axes[:, 0], strict=True):
            here = rows[rows["suite"] == suite]
            levels = _baseline(axis, here, figure.settings.baseline)
            method_lines(axis, here, figure, levels)
            best = f"best known: {here['best_known'].iloc[0]:.1f} per episode"
            title = f"{suite_label(suite)} ({best})\n{left_out(figure, suite)}"
            axis.set_title(title.rstrip(), fontsize=9)
            axis.set_ylabel("cumulative regret (lower is better)")
        seeds, tasks = (span(rows[name]) for name in ("seeds", "tasks"))
        notes = [f"{plural(seeds, 'seed')}, {plural(tasks, 'task')}", bars_note(rows)]
        notes += ["best known: highest mean of any line's last prompt, by task and seed"]
        notes.append(equal_resets(suites))
        headline(picture, figure.run.title, *notes)
        save(picture, stem)


def _baseline(axis: "Axes", rows: pd.DataFrame, baseline: str) -> list[End]:
    """Draw the straight line of the untuned prompt, if there is one; return its end."""
    untuned = rows[rows["column"] == baseline]
    if untuned.empty:
        return []
    style: dict[str, Any] = {"color": BLACK, "ls": ":", "lw": 1.5}
    axis.plot(untuned["queries"], untuned["mean"], **style)
    return [untuned_end(end_of(untuned, BLACK))]
