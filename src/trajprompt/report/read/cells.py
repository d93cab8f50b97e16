"""Entries and cells of a table: their evaluations and scores."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from trajprompt.errors import TrajpromptError
from trajprompt.report.read.tables import read_table
from trajprompt.rollout.columns import (
    CELL_COLUMNS,
    COUNT_COLUMNS,
    EVALUATION_COLUMNS,
    SELECTIONS,
    TEXT_COLUMNS,
)
from trajprompt.tasks.registry import SUITE_NAMES, get_suite

UNTUNED = "none"  # the method that tunes nothing
REMEDY = "correct the entries of the settings; docs/configuration.md explains them"


@dataclass(frozen=True)
class Entry:
    """A method under a condition: a row of our tables (``tables.<t>.entries``)."""

    id: str  # as in papers/*/*.csv, if a paper prints it
    label: str
    condition: str
    method: str
    suites: tuple[str, ...] | None = None  # None: all suites of the run
    backbone: str = ""  # of the condition; a figure's settings may leave it out

    @property
    def is_untuned(self) -> bool:
        """Whether its policy is the backbone as it was trained."""
        return self.method == UNTUNED

    def covers(self, suite: str) -> bool:
        """Return whether the entry is evaluated in ``suite``."""
        return self.suites is None or suite in self.suites


@dataclass(frozen=True)
class Scores:
    """Mean returns of one cell of a table, over prompts and episodes."""

    tasks: tuple[int, ...]
    values: np.ndarray  # (T, S) mean return of task t under seed s
    episodes: int  # per task and seed
    success: float  # share of episodes that succeeded at least once


def parse_entries(given: Iterable[Mapping[str, Any]]) -> list[Entry]:
    """Parse the config's entries; wrong keys and repeated ids raise TrajpromptError."""
    known = {item.name for item in fields(Entry)}
    entries = []
    for values in given:
        missing = {"id", "label", "condition", "method"} - set(values)
        if missing or set(values) - known:
            expected = f"keys {', '.join(sorted(known))} (suites and backbone are optional)"
            found = f"found keys {', '.join(sorted(values))}"
            raise TrajpromptError("tables.entries", found, expected, REMEDY)
        suites = values.get("suites")
        entries.append(
            Entry(**{**values, "suites": None if suites is None else tuple(suites)})
        )
    ids = [entry.id for entry in entries]
    if len(set(ids)) != len(ids) or not ids:
        found, expected = f"found ids {ids}", "at least one id, each once"
        raise TrajpromptError("tables.entries", found, expected, REMEDY)
    return entries


class Evaluations:
    """Evaluation tables of a run, indexed by cell."""

    def __init__(self, paths: Sequence[str | Path], run: str, raw: bool = False):
        self.run = run
        self._cells: dict[tuple[str, str, str, int], pd.DataFrame] = {}
        self._scores: dict[tuple[Any, ...], Scores] = {}
        for path in paths:
            table = read_evaluation(path)
            shown = table if raw else as_shown(table)
            for cell, rows in shown.groupby(list(CELL_COLUMNS)):
                if cell in self._cells:
                    found, remedy = f"found repeated cell {cell}", "give each file once"
                    raise TrajpromptError(path, found, "each cell once", remedy)
                self._cells[cell] = rows

    def rows(self, suite: str, entry: Entry, seed: int) -> pd.DataFrame:
        """All episodes of one cell, at all checkpoints."""
        cell = (suite, entry.condition, entry.method, seed)
        if cell not in self._cells:
            path = f"results/{self.run}/4_evaluate/{suite}/{entry.condition}/{entry.method}"
            remedy = f"entry {entry.id} needs it: run `snakemake` for that file"
            where, found = f"{path}/seed{seed}.csv", "missing in --evaluations"
            raise TrajpromptError(where, found, "the files of all cells", remedy)
        return self._cells[cell]

    def has(self, suite: str, entry: Entry, seeds: Sequence[int], checkpoint: str) -> bool:
        """Return whether all seeds of this cell have episodes of ``checkpoint``."""
        by_seed = [self.rows(suite, entry, seed)["checkpoint"] for seed in seeds]
        return all((checkpoints == checkpoint).any() for checkpoints in by_seed)

    def scores(
        self, suite: str, entry: Entry, seeds: Sequence[int], checkpoint: str = "last"
    ) -> Scores:
        """Mean returns per task and seed of one table cell at one checkpoint."""
        key = (suite, entry.condition, entry.method, tuple(seeds), checkpoint)
        if key not in self._scores:
            self._scores[key] = self._score(suite, entry, seeds, checkpoint)
        return self._scores[key]

    def _score(
        self, suite: str, entry: Entry, seeds: Sequence[int], checkpoint: str
    ) -> Scores:
        rows = pd.concat([self.rows(suite, entry, seed) for seed in seeds])
        rows = rows[rows["checkpoint"] == checkpoint]
        cell = f"{suite}/{entry.condition}/{entry.method}, checkpoint {checkpoint}"
        means, counts = task_by_seed(rows, seeds, cell)
        tasks = tuple(int(task) for task in means.index)
        return Scores(tasks, means.to_numpy(), counts, float(rows["success"].mean()))


def task_by_seed(
    rows: pd.DataFrame, seeds: Sequence[int], where: str
) -> tuple[pd.DataFrame, int]:
    """Mean returns (tasks, seeds), and the smallest number of episodes of a mean.

    Raises TrajpromptError at ``where`` if a task has no return under a seed.
    """
    grouped = rows.groupby(["task", "seed"])["return"].agg(["mean", "count"])
    means = grouped["mean"].unstack("seed").reindex(columns=list(seeds))
    if means.empty or means.isna().to_numpy().any():
        missing = means.isna().stack() if not means.empty else pd.Series(dtype=bool)
        found = f"no returns for (task, seed) {list(missing[missing].index) or 'at all'}"
        expected = "finite returns of every task under every seed"
        raise TrajpromptError(where, found, expected, "run `trajprompt evaluate` for it")
    return means.sort_index(), int(grouped["count"].min())


def read_evaluation(path: str | Path, made_by: str = "trajprompt evaluate") -> pd.DataFrame:
    """Read one evaluation file, a row per episode; all numbers must be finite."""
    # Only an empty text is a missing value: a method may be called null.
    options: dict[str, Any] = {"keep_default_na": False, "na_values": [""]}
    options["dtype"] = dict.fromkeys(TEXT_COLUMNS, str)
    finite = (*COUNT_COLUMNS, "return")
    table = read_table(path, made_by, EVALUATION_COLUMNS, finite, **options)
    check_episodes(table, path, made_by)
    return table


def as_shown(table: pd.DataFrame) -> pd.DataFrame:
    """The table with returns as the report shows them: D4RL's scores on D4RL suites."""
    scored = [name for name in table["suite"].unique() if name in SUITE_NAMES]
    for suite in (get_suite(name) for name in scored):
        if suite.score_range is not None:
            rows = table["suite"] == suite.name
            table.loc[rows, "return"] = suite.shown(table.loc[rows, "return"].to_numpy())
    return table


def check_episodes(table: pd.DataFrame, path: str | Path, made_by: str) -> None:
    """Raise TrajpromptError unless all columns of an evaluation have valid values."""
    for name in COUNT_COLUMNS:
        if table[name].dtype.kind not in "iu" or (table[name] < 0).any():
            _refuse(path, made_by, name, "integers of at least 0")
    if not table["success"].isin((0, 1)).all():
        _refuse(path, made_by, "success", "0 or 1")
    if not table["checkpoint"].isin(SELECTIONS).all():
        _refuse(path, made_by, "checkpoint", " or ".join(SELECTIONS))
    for name in TEXT_COLUMNS:
        if table[name].isna().any():
            _refuse(path, made_by, name, "a name in every row")


def _refuse(path: str | Path, made_by: str, column: str, expected: str) -> None:
    found = f"found an invalid value in column {column}"
    raise TrajpromptError(path, found, expected, f"run `{made_by}`")
