"""All methods over all suites: interquartile means, improvement probabilities, profiles.

After Agarwal et al. 2021 (arXiv 2108.13264), on normalised returns: 0 is the mean return
of uniformly random actions on a task, 1 the mean return of its expert episodes. Suites
have equal weight, whatever their number of tasks. The bootstrap resamples a suite's seeds
once for all its tasks; suites are the strata. Tasks share backbones, so resampling within
each task, as in the paper, makes intervals too narrow.

The paper's library rliable gives equal values (a test compares them). Its intervals are
not used: they resample within each task, are not paired, and draw from NumPy's global
generator.
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

# Monte-Carlo error of a 2.5 % quantile: about 1/25 of the interval's width.
RESAMPLES = 2000
LEVELS = np.round(np.arange(-0.5, 1.501, 0.05), 2)  # normalised returns of a profile
Matrices = Sequence[np.ndarray]  # per suite (T, S), or with resamples (N, T, S)


@dataclass(frozen=True)
class Normalised:
    """Normalised returns of the methods that were evaluated in all of the suites."""

    suites: tuple[str, ...]
    entries: list[Entry]
    scores: dict[str, list[np.ndarray]]  # entry id -> per suite (T, S)
    left_out: int  # number of tasks whose expert episodes do not beat random actions

    @property
    def names(self) -> str:
        """Names of the suites, for a cell of a table."""
        return " ".join(self.suites)


@dataclass(frozen=True)
class Block:
    """Results of the methods that were evaluated in the same suites."""

    found: Normalised
    means: pd.DataFrame
    beats: pd.DataFrame


def blocks(run: Run) -> list[Block]:
    """Block of the methods evaluated in all suites, then of `fullest_suite`, if any."""
    over_all = normalised(run)
    fullest = fullest_suite(run, over_all)
    compared = [over_all] + ([normalised(run, [fullest])] if fullest else [])
    return [
        Block(found, aggregate_table(run, found), improvement_table(run, found))
        for found in compared
    ]


def joined(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Rows of the tables of all blocks; a block of one method has no improvement.

    Empty tables are left out, because their columns have no types.
    """
    return pd.concat([table for table in tables if not table.empty] or tables[:1])


def normalised(run: Run, wanted: Sequence[str] | None = None) -> Normalised:
    """Normalised returns of ``run`` over the suites ``wanted``, by default `Run.averaged`.

    If no method was evaluated in all averaged suites, the default is the averaged suites
    of the first method that was evaluated in most of them.
    """
    if wanted is None:
        wanted = max(
            ([s for s in run.averaged if c.covers(s)] for c in run.entries), key=len
        )
    kept = {}
    for suite in wanted:
        random, expert = reference_returns(run, suite)
        kept[suite] = expert > random
    suites = tuple(suite for suite in kept if kept[suite].any())
    entries = _distinct_cells([c for c in run.entries if all(map(c.covers, wanted))])
    scores = {}
    for entry in entries:
        found = run.scores(entry)
        scores[entry.id] = [_shares(run, s, found[s].values)[kept[s]] for s in suites]
    return Normalised(suites, entries, scores, sum(int((~k).sum()) for k in kept.values()))


def _distinct_cells(entries: Sequence[Entry]) -> list[Entry]:
    """The first entry of each (condition, method)."""
    first: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        first.setdefault((entry.condition, entry.method), entry)
    return list(first.values())


def fullest_suite(run: Run, found: Normalised) -> str | None:
    """Suite in which most methods were evaluated; None if no more than in ``found``."""
    entries = _distinct_cells(run.entries)
    counts = {s: sum(c.covers(s) for c in entries) for s in run.averaged}
    suite = max(counts, key=counts.__getitem__)
    return suite if counts[suite] > len(found.entries) else None


def reference_returns(run: Run, suite: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns (T,) that are normalised to 0 and 1: random actions and expert data."""
    return run.random_play(suite).returns(run.tasks(suite)), run.teacher(suite).expert


def _shares(run: Run, suite: str, returns: np.ndarray) -> np.ndarray:
    """Normalised ``returns`` (T, S): 0 random actions, 1 expert episodes of the task."""
    random, expert = reference_returns(run, suite)
    with np.errstate(divide="ignore", invalid="ignore"):
        return (returns - random[:, None]) / (expert - random)[:, None]


def interquartile_mean(scores: Matrices) -> np.ndarray:
    """Mean of the middle half of all (task, seed) scores, with equal weight per suite.

    The last two axes are tasks and seeds; leading axes are kept.
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
    """Probability that a seed of ``first`` beats one of ``second``, drawn independently.

    Ties count half; suites have equal weight.
    """
    shares = []
    for a, b in zip(first, second, strict=True):
        left, right = a[..., :, None], b[..., None, :]  # (.., T, S, 1), (.., T, 1, S)
        wins = (left > right) + 0.5 * (left == right)
        shares.append(wins.mean(axis=(-1, -2, -3)))
    return np.mean(shares, axis=0)


def profile(scores: Matrices, level: float) -> np.ndarray:
    """Share of (task, seed) scores above ``level``, with equal weight per suite."""
    return np.mean([(matrix > level).mean(axis=(-1, -2)) for matrix in scores], axis=0)


def aggregate_table(run: Run, found: Normalised) -> pd.DataFrame:
    """Interquartile mean of each method, with its interval."""
    bootstrap = _Bootstrap(run, found)
    return pd.DataFrame(
        [
            {"suites": found.names, "column": entry.id, "label": entry.label}
            | bootstrap.estimate(interquartile_mean, entry.id)
            for entry in found.entries
        ]
    )


def improvement_table(run: Run, found: Normalised) -> pd.DataFrame:
    """Probability that the first method beats the second, for each ordered pair."""
    bootstrap = _Bootstrap(run, found)
    rows = []
    for first, second in combinations(found.entries, 2):
        wins = bootstrap.estimate(improvement, first.id, second.id)
        low, high = wins["low"], wins["high"]
        losses = wins | {"value": 1 - wins["value"], "low": 1 - high, "high": 1 - low}
        rows.append([found.names, first.id, second.id, *wins.values()])
        rows.append([found.names, second.id, first.id, *losses.values()])
    names = ["suites", "first", "second", "value", "low", "high", "seeds"]
    return pd.DataFrame(rows, columns=names)


def profile_table(run: Run, found: Normalised) -> pd.DataFrame:
    """Share of scores above each level, for each method."""
    bootstrap = _Bootstrap(run, found)
    rows = []
    for entry in found.entries:
        for level in LEVELS:
            share = bootstrap.estimate(partial(profile, level=level), entry.id)
            names = {"suites": found.names, "column": entry.id, "label": entry.label}
            rows.append(names | {"level": level} | share)
    return pd.DataFrame(rows)


class _Bootstrap:
    """Bootstrap draws shared by all methods, so their differences are paired."""

    def __init__(self, run: Run, found: Normalised):
        self._scores: Mapping[str, list[np.ndarray]] = found.scores
        self._seeds = len(run.seeds)
        generator = np.random.default_rng(run.stream("aggregate"))
        size = (len(found.suites), RESAMPLES, self._seeds)
        self._draws = generator.integers(self._seeds, size=size)

    def estimate(
        self, statistic: Callable[..., np.ndarray], *names: str
    ) -> dict[str, float]:
        """Value, interval and number of seeds of a statistic of the methods ``names``.

        The interval is NaN for one seed; value and interval are NaN if no suite is left.
        """
        value = low = high = float("nan")
        if not self._scores[names[0]]:
            return {"value": value, "low": low, "high": high, "seeds": self._seeds}
        if self._seeds > 1:
            tails = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
            resampled = (self._resample(self._scores[name]) for name in names)
            low, high = map(float, np.quantile(statistic(*resampled), tails))
        value = float(statistic(*(self._scores[name] for name in names)))
        return {"value": value, "low": low, "high": high, "seeds": self._seeds}

    def _resample(self, scores: Matrices) -> list[np.ndarray]:
        """Resampled scores (N, T, S) per suite."""
        return [
            matrix[:, draw].swapaxes(0, 1)
            for matrix, draw in zip(scores, self._draws, strict=True)
        ]
