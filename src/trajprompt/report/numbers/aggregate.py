"""All methods over all suites: interquartile means, chances of improvement, profiles.

After Agarwal et al. 2021 (arXiv 2108.13264), on normalised returns: 0 is the mean of
uniformly random actions on a task, 1 that of its data's expert episodes. Suites weigh
equally, whatever their number of tasks. As in ``statistics``, the bootstrap redraws a
suite's seeds once for all its tasks, and suites are its strata: tasks share backbones, so
that redrawing within each task, as in the paper, would make the intervals too narrow.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations

import numpy as np
import pandas as pd

from trajprompt.report.numbers.statistics import CONFIDENCE
from trajprompt.report.read.cells import Entry
from trajprompt.report.read.run import Run

RESAMPLES = 2000  # a 2.5 % quantile to about 1/25 of the interval's width
LEVELS = np.round(np.arange(-0.5, 1.501, 0.05), 2)  # of normalised return, in a profile
Matrices = Sequence[np.ndarray]  # per suite (T, S), or with resamples (N, T, S)


@dataclass(frozen=True)
class Normalised:
    """Normalised returns of every method that was played in all of the suites."""

    suites: tuple[str, ...]
    entries: list[Entry]
    scores: dict[str, list[np.ndarray]]  # entry id -> per suite (T, S)
    left_out: int  # tasks whose expert episodes earn no more than random actions

    @property
    def names(self) -> str:
        """The suites by name, for a cell of a table."""
        return " ".join(self.suites)


@dataclass(frozen=True)
class Block:
    """The numbers of all methods that were played in the same suites."""

    found: Normalised
    means: pd.DataFrame
    beats: pd.DataFrame


def blocks(run: Run) -> list[Block]:
    """Of the methods that were played in all suites, then of all those of one suite."""
    over_all = normalised(run)
    fullest = fullest_suite(run, over_all)
    compared = [over_all] + ([normalised(run, [fullest])] if fullest else [])
    return [
        Block(found, aggregate_table(run, found), improvement_table(run, found))
        for found in compared
    ]


def normalised(run: Run, wanted: Sequence[str] | None = None) -> Normalised:
    """From ``run``, over the suites ``wanted``; default: that its published table prints.

    Where no method was played in all of those, over those of the first that was in most.
    """
    if wanted is None:
        wanted = max(
            ([s for s in run.averaged if c.covers(s)] for c in run.entries), key=len
        )
    kept = {}
    for suite in wanted:
        random, expert = ends(run, suite)
        kept[suite] = expert > random
    suites = tuple(suite for suite in kept if kept[suite].any())
    entries = _cells_once([c for c in run.entries if all(map(c.covers, wanted))])
    scores = {}
    for entry in entries:
        found = run.scores(entry)
        scores[entry.id] = [_shares(run, s, found[s].values)[kept[s]] for s in suites]
    return Normalised(suites, entries, scores, sum(int((~k).sum()) for k in kept.values()))


def _cells_once(entries: Sequence[Entry]) -> list[Entry]:
    """The first of the entries that show the same cells."""
    first: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        first.setdefault((entry.condition, entry.method), entry)
    return list(first.values())


def fullest_suite(run: Run, found: Normalised) -> str | None:
    """The suite in which most methods were played, if more than ``found`` has."""
    entries = _cells_once(run.entries)
    counts = {s: sum(c.covers(s) for c in entries) for s in run.averaged}
    suite = max(counts, key=counts.__getitem__)
    return suite if counts[suite] > len(found.entries) else None


def ends(run: Run, suite: str) -> tuple[np.ndarray, np.ndarray]:
    """(T,) returns that 0 and 1 stand for: of random actions and of the expert data."""
    return run.random_play(suite).returns(run.tasks(suite)), run.teacher(suite).expert


def _shares(run: Run, suite: str, returns: np.ndarray) -> np.ndarray:
    """(T, S) shares of the way from random actions to a task's expert episodes."""
    random, expert = ends(run, suite)
    with np.errstate(divide="ignore", invalid="ignore"):
        return (returns - random[:, None]) / (expert - random)[:, None]


def interquartile_mean(scores: Matrices) -> np.ndarray:
    """Mean of the middle half of all (task, seed) scores, suites weighing equally.

    The last two axes are tasks and seeds; the others are kept.
    """
    flat = [matrix.reshape(*matrix.shape[:-2], -1) for matrix in scores]
    weight = np.concatenate([np.full(f.shape, 1 / f.shape[-1]) for f in flat], axis=-1)
    values, weight = np.concatenate(flat, axis=-1), weight / len(scores)
    order = np.argsort(values, axis=-1, kind="stable")
    values = np.take_along_axis(values, order, axis=-1)
    weight = np.take_along_axis(weight, order, axis=-1)
    upper = np.cumsum(weight, axis=-1)
    inside = np.clip(upper, 0.25, 0.75) - np.clip(upper - weight, 0.25, 0.75)
    return (values * inside).sum(axis=-1) / inside.sum(axis=-1)


def improvement(first: Matrices, second: Matrices) -> np.ndarray:
    """Chance that ``first`` beats ``second`` on a task, seeds drawn apart; ties half."""
    shares = []
    for a, b in zip(first, second, strict=True):
        left, right = a[..., :, None], b[..., None, :]  # (.., T, S, 1), (.., T, 1, S)
        wins = (left > right) + 0.5 * (left == right)
        shares.append(wins.mean(axis=(-1, -2, -3)))
    return np.mean(shares, axis=0)


def profile(scores: Matrices, level: float) -> np.ndarray:
    """Share of (task, seed) scores above ``level``, suites weighing equally."""
    return np.mean([(matrix > level).mean(axis=(-1, -2)) for matrix in scores], axis=0)


def aggregate_table(run: Run, found: Normalised) -> pd.DataFrame:
    """Per method the interquartile mean with its interval."""
    drawn = _Drawn(run, found)
    return pd.DataFrame(
        [
            {"suites": found.names, "column": entry.id, "label": entry.label}
            | drawn.estimate(interquartile_mean, entry.id)
            for entry in found.entries
        ]
    )


def improvement_table(run: Run, found: Normalised) -> pd.DataFrame:
    """Per pair of methods the chance that the first beats the second."""
    drawn = _Drawn(run, found)
    rows = []
    for first, second in combinations(found.entries, 2):
        own = drawn.estimate(improvement, first.id, second.id)
        other = {"value": 1 - own["value"], "low": 1 - own["high"], "high": 1 - own["low"]}
        rows.append([found.names, first.id, second.id, *own.values()])
        rows.append([found.names, second.id, first.id, *(own | other).values()])
    names = ["suites", "first", "second", "value", "low", "high", "seeds"]
    return pd.DataFrame(rows, columns=names)


def profile_table(run: Run, found: Normalised) -> pd.DataFrame:
    """Per method and level the share of scores above it."""
    drawn = _Drawn(run, found)
    rows = []
    for entry in found.entries:
        for level in LEVELS:
            own = drawn.estimate(partial(profile, level=level), entry.id)
            named = {"suites": found.names, "column": entry.id, "label": entry.label}
            rows.append(named | {"level": level} | own)
    return pd.DataFrame(rows)


class _Drawn:
    """Bootstrap draws that all methods share, so that their differences are paired."""

    def __init__(self, run: Run, found: Normalised):
        self._scores: Mapping[str, list[np.ndarray]] = found.scores
        self._seeds = len(run.seeds)
        generator = np.random.default_rng(run.stream("aggregate"))
        size = (len(found.suites), RESAMPLES, self._seeds)
        self._draws = generator.integers(self._seeds, size=size)

    def estimate(
        self, statistic: Callable[..., np.ndarray], *names: str
    ) -> dict[str, float]:
        """Value, interval and seeds of a statistic of some methods.

        NaN where nothing can be said: the interval of one seed, and all without a suite.
        """
        value = low = high = float("nan")
        if not self._scores[names[0]]:
            return {"value": value, "low": low, "high": high, "seeds": self._seeds}
        if self._seeds > 1:
            tails = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
            redrawn = statistic(*(self._redraw(self._scores[name]) for name in names))
            low, high = map(float, np.quantile(redrawn, tails))
        value = float(statistic(*(self._scores[name] for name in names)))
        return {"value": value, "low": low, "high": high, "seeds": self._seeds}

    def _redraw(self, scores: Matrices) -> list[np.ndarray]:
        """(N, T, S) per suite."""
        return [
            matrix[:, draw].swapaxes(0, 1)
            for matrix, draw in zip(scores, self._draws, strict=True)
        ]
