"""Inputs of the report in memory: a run's cells and data, and the printed values."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from trajprompt import seeds as streams
from trajprompt.errors import TrajpromptError
from trajprompt.report.read.baselines import (
    MADE_BY,
    RandomPlay,
    Teacher,
    read_random_play,
    read_teacher,
    store_suite,
)
from trajprompt.report.read.cells import Entry, Evaluations, Scores, parse_entries
from trajprompt.report.read.offline_curves import Learning, read_learning
from trajprompt.report.read.published import AVERAGE, Published
from trajprompt.report.read.sizes import PrintedSize, Sizes, read_printed
from trajprompt.settings.stages import ReportSettings


@dataclass(frozen=True)
class Run:
    """A run, or one of its tables, with the inputs of its report."""

    name: str
    run_seed: int
    suites: tuple[str, ...]
    seeds: tuple[int, ...]
    entries: tuple[Entry, ...]
    evaluations: Evaluations
    published: Published
    stores: dict[str, Path] = field(default_factory=dict)  # suite -> trajectory store
    sizes: Sizes = field(default_factory=Sizes)
    printed_sizes: dict[str, PrintedSize] = field(default_factory=dict)  # by entry
    random: dict[str, RandomPlay] = field(default_factory=dict)  # by suite
    learning: Learning = field(default_factory=dict)
    title: str = ""  # of the table; empty for the whole run
    raw: bool = False  # D4RL suites: returns in place of scores

    def entry(self, name: str) -> Entry | None:
        """The entry with the id ``name``, or None if the run has none."""
        return next((entry for entry in self.entries if entry.id == name), None)

    def scores(self, entry: Entry, checkpoint: str = "last") -> dict[str, Scores]:
        """Scores of the entry by suite, in all suites of the run that it covers."""
        return {
            suite: self._cell(suite, entry, checkpoint)
            for suite in self.suites
            if entry.covers(suite)
        }

    def entries_with(self, checkpoint: str) -> list[Entry]:
        """Entries whose cells all have episodes of ``checkpoint``."""
        has = self.evaluations.has
        return [
            entry
            for entry in self.entries
            if all(
                has(suite, entry, self.seeds, checkpoint)
                for suite in self.suites
                if entry.covers(suite)
            )
        ]

    def tasks(self, suite: str) -> tuple[int, ...]:
        """Test tasks of a suite: those on which its first entry was evaluated."""
        entry = next(entry for entry in self.entries if entry.covers(suite))
        return self.evaluations.scores(suite, entry, self.seeds).tasks

    @property
    def averaged(self) -> tuple[str, ...]:
        """Suites of an average: those that the paper prints, or all if it prints none."""
        printed = set(self.published.suites())
        return tuple(s for s in self.suites if s in printed) or self.suites

    @property
    def shown(self) -> tuple[str, ...]:
        """Columns of a table: its suites, and the average if it is over several."""
        return (*self.suites, AVERAGE) if len(self.averaged) > 1 else self.suites

    def store(self, suite: str) -> Path:
        """Path of the suite's trajectory store; TrajpromptError if it is missing."""
        if suite not in self.stores:
            expected = f"the trajectory store of {suite}"
            found, remedy = f"found stores of {sorted(self.stores)}", "add it to --stores"
            raise TrajpromptError("--stores", found, expected, remedy)
        return self.stores[suite]

    def teacher(self, suite: str) -> Teacher:
        """Returns of the suite's data on its test tasks."""
        return _teacher(self.store(suite), self.tasks(suite), self.raw)

    def random_play(self, suite: str) -> RandomPlay:
        """Returns of uniformly random actions; TrajpromptError if they are missing."""
        if suite not in self.random:
            found, expected = f"found files of {sorted(self.random)}", f"a file of {suite}"
            where, remedy = "--random-policies", f"run `{MADE_BY}` for it"
            raise TrajpromptError(where, found, expected, remedy)
        return self.random[suite]

    def stream(self, *names: object) -> np.random.SeedSequence:
        """Random stream of the value of the report that ``names`` name."""
        return streams.stream(self.run_seed, "report", *names)

    def _cell(self, suite: str, entry: Entry, checkpoint: str) -> Scores:
        found = self.evaluations.scores(suite, entry, self.seeds, checkpoint)
        if found.tasks != self.tasks(suite):
            where = f"{suite}/{entry.condition}/{entry.method}"
            expected = f"{self.tasks(suite)}, as in the table's first entry"
            text = f"found evaluations on tasks {found.tasks}"
            remedy = "run `trajprompt evaluate` with the same config for all entries"
            raise TrajpromptError(where, text, expected, remedy)
        return found


def load_run(
    settings: ReportSettings,
    evaluations: Sequence[str | Path],
    stores: Sequence[str | Path] = (),
    adaptations: Sequence[str | Path] = (),
    published: Sequence[str | Path] = (),
    printed_sizes: str | Path | None = None,
    random_policies: Sequence[str | Path] = (),
    offline: Sequence[str | Path] = (),
) -> Run:
    """Load the run, or the one table of it, that ``settings`` describe."""
    random_plays = [read_random_play(path) for path in random_policies]
    return Run(
        name=settings.run,
        run_seed=settings.run_seed,
        suites=tuple(settings.suites),
        seeds=tuple(settings.seeds),
        entries=tuple(parse_entries(settings.entries)),
        evaluations=Evaluations(evaluations, settings.run, settings.raw),
        published=Published(published),
        stores={store_suite(path): Path(path) for path in stores},
        sizes=Sizes(adaptations),
        printed_sizes=read_printed(printed_sizes),
        random={play.suite: play for play in random_plays},
        learning=read_learning(offline),
        title=settings.title,
        raw=settings.raw,
    )


_teacher = functools.cache(read_teacher)
