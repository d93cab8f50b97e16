"""Variance of paired differences: how much comes from seeds, tasks and episodes.

The difference of a method and the untuned prompt in one episode, with equal task, seed and
reset, is modelled as mean + seed + task + seed x task + episode, with random effects. A
seed's effect is that of its backbone; a seed x task effect is that of the prompt, which is
drawn and tuned per seed and task. Components are estimated by the method of moments from
the mean squares of a two-way analysis of variance (Searle, Casella & McCulloch 1992,
chapter 4). An estimate below 0 is set to 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
import pandas as pd

from trajprompt.report.read.cells import Entry
from trajprompt.report.read.run import Run
from trajprompt.tasks.registry import get_suite

UNTUNED = "none"  # name of the method that changes nothing
ALL = "all"  # column of the mean over a suite's contrasts
SOURCES = ("seeds", "seeds_tasks", "tasks", "episodes")


@dataclass(frozen=True)
class MeanSquares:
    """Mean squares of a two-way layout (T, S, E); NaN without degrees of freedom."""

    shape: tuple[int, int, int]
    seeds: float
    tasks: float
    seeds_tasks: float
    episodes: float


@dataclass(frozen=True)
class Components:
    """Variances, each that of one episode's difference."""

    seeds: float
    tasks: float
    seeds_tasks: float
    episodes: float

    def seed_mean(self, tasks: int, episodes: int) -> float:
        """Variance of a seed's mean over fixed tasks, from seed to seed."""
        own = self.seeds + self.seeds_tasks / tasks
        return own + self.episodes / (tasks * episodes)


def mean_squares(differences: np.ndarray) -> MeanSquares:
    """Mean squares of ``differences`` (T, S, E)."""
    shape = tasks, seeds, episodes = differences.shape
    cells = differences.mean(axis=2)  # (T, S)
    by_task, by_seed, total = cells.mean(axis=1), cells.mean(axis=0), cells.mean()
    both = cells - by_task[:, None] - by_seed[None, :] + total
    within = differences - cells[..., None]

    def mean(squares: np.ndarray, weight: int, freedom: int) -> float:
        return float(weight * np.square(squares).sum() / freedom) if freedom else nan

    return MeanSquares(
        shape,
        mean(by_seed - total, tasks * episodes, seeds - 1),
        mean(by_task - total, seeds * episodes, tasks - 1),
        mean(both, episodes, (seeds - 1) * (tasks - 1)),
        mean(within, 1, tasks * seeds * (episodes - 1)),
    )


def components(found: MeanSquares, equal_episodes: bool = False) -> Components:
    """Variance components; with ``equal_episodes`` those of episodes are 0.

    NaN where the layout cannot tell: with one seed, and with one episode unless all are
    equal. With one task, seeds x tasks belong to the seeds.
    """
    tasks, seeds, episodes = found.shape
    inner = 0.0 if equal_episodes else found.episodes
    crossed = inner if tasks == 1 else found.seeds_tasks

    def above(upper: float, lower: float, weight: int) -> float:
        return nan if np.isnan(upper - lower) else max(0.0, (upper - lower) / weight)

    return Components(
        above(found.seeds, crossed, tasks * episodes),
        0.0 if tasks == 1 else above(found.tasks, crossed, seeds * episodes),
        above(crossed, inner, episodes),
        inner,
    )


def variance_table(run: Run) -> pd.DataFrame:
    """Table with a row per suite and contrast with the untuned prompt, and their means."""
    rows = []
    for suite in run.suites:
        equal = get_suite(suite).deterministic_resets
        pairs = contrasts(run, suite)
        found = [mean_squares(differences(run, suite, *pair)) for pair in pairs]
        if not found:
            continue
        rows.append(_row(suite, ALL, f"{len(pairs)} contrasts", pooled(found), equal))
        for (entry, untuned), squares in zip(pairs, found, strict=True):
            label = f"{entry.label} − {untuned.label}"
            rows.append(_row(suite, entry.id, label, squares, equal))
    return pd.DataFrame(rows, columns=COLUMNS)


def pooled(found: Sequence[MeanSquares]) -> MeanSquares:
    """Mean over contrasts of equal shape, each with equal weight."""
    names = ("seeds", "tasks", "seeds_tasks", "episodes")
    means = [float(np.mean([getattr(one, name) for one in found])) for name in names]
    return MeanSquares(found[0].shape, *means)


def contrasts(run: Run, suite: str) -> list[tuple[Entry, Entry]]:
    """Pairs of a tuned entry and the untuned entry of its condition, each cell once."""
    here = [entry for entry in run.entries if entry.covers(suite)]
    untuned = {entry.condition: entry for entry in here if entry.method == UNTUNED}
    cells = {
        (entry.condition, entry.method): entry
        for entry in reversed(here)
        if entry.method != UNTUNED and entry.condition in untuned
    }
    return [(entry, untuned[entry.condition]) for entry in here if entry in cells.values()]


def differences(run: Run, suite: str, first: Entry, second: Entry) -> np.ndarray:
    """Differences (T, S, E) of episodes with equal task, seed and reset.

    An episode is the mean over the prompts of a task, if it has several.
    """
    returns = _returns(run, suite, first) - _returns(run, suite, second)
    tasks = len(returns.index)
    return returns.to_numpy().reshape(tasks, len(run.seeds), -1)


def _returns(run: Run, suite: str, entry: Entry) -> pd.DataFrame:
    """Returns of the last checkpoint, a row per task, columns by (seed, episode)."""
    rows = pd.concat([run.evaluations.rows(suite, entry, seed) for seed in run.seeds])
    rows = rows[rows["checkpoint"] == "last"]
    means = rows.groupby(["task", "seed", "episode"])["return"].mean()
    return means.unstack(["seed", "episode"]).sort_index(axis=1)


NAMES = ("suite", "column", "label", "tasks", "seeds", "episodes")
COLUMNS = [
    *NAMES,
    *(f"sd_{name}" for name in SOURCES),
    *(f"share_{name}" for name in SOURCES),
    *("standard_error", "episodes_of_seed_mean"),
]


def _row(
    suite: str, column: str, label: str, found: MeanSquares, equal: bool
) -> dict[str, object]:
    tasks, seeds, episodes = found.shape
    parts = components(found, equal)
    values = [getattr(parts, name) for name in SOURCES]
    total, of_seed = sum(values), parts.seed_mean(tasks, episodes)
    row: dict[str, object] = dict(
        zip(NAMES, (suite, column, label, tasks, seeds, episodes), strict=True)
    )
    row |= {f"sd_{n}": sqrt(v) for n, v in zip(SOURCES, values, strict=True)}
    row |= {f"share_{n}": _share(v, total) for n, v in zip(SOURCES, values, strict=True)}
    inner = parts.episodes / (tasks * episodes)
    row |= {"standard_error": sqrt(of_seed / seeds)}
    return row | {"episodes_of_seed_mean": _share(inner, of_seed)}


def _share(part: float, total: float) -> float:
    return part / total if total else nan
