"""A table's printed figures, read from ``papers/<paper>/<table>.csv``."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trajprompt.errors import TrajpromptError
from trajprompt.report.read.tables import read_table

COLUMNS = ["suite", "entry", "mean", "spread", "seeds", "source", "note"]
AVERAGE = "average"


@dataclass(frozen=True)
class Figure:
    """One printed cell: mean ± spread over ``seeds`` seeds, and where it is printed."""

    mean: float
    spread: float  # NaN where the paper prints none
    seeds: int | None  # None where they are not known
    source: str
    note: str


class Published:
    """Printed figures by (suite, entry id); averages as printed, errors and all."""

    def __init__(self, paths: Sequence[str | Path]):
        self._figures: dict[tuple[str, str], Figure] = {}
        for path in paths:
            perhaps = ("spread", "seeds")
            made_by = "git checkout papers/"
            table = read_table(path, made_by, COLUMNS, ("mean",), perhaps)
            if list(table.columns) != COLUMNS:
                raise TrajpromptError(path, f"columns {list(table.columns)}", f"{COLUMNS}")
            for row in table.fillna({"note": ""}).itertuples(index=False, name=None):
                self._add(path, row)

    def _add(self, path: str | Path, row: tuple[Any, ...]) -> None:
        suite, entry, mean, spread, seeds, source, note = row
        if (suite, entry) in self._figures:
            raise TrajpromptError(path, f"{suite}, {entry} a second time", "each cell once")
        count = None if math.isnan(seeds) else int(seeds)
        self._figures[suite, entry] = Figure(mean, spread, count, source, note)

    def get(self, suite: str, entry: str) -> Figure | None:
        """The printed figure, or None where no paper prints one."""
        return self._figures.get((suite, entry))

    def entries(self) -> list[str]:
        """The entries that are printed for any suite."""
        return list(dict.fromkeys(name for _, name in self._figures))

    def suites(self, entry: str | None = None) -> list[str]:
        """The suites that ``entry``, or any, is printed for, without the average."""
        printed = [
            suite
            for suite, name in self._figures
            if suite != AVERAGE and entry in (None, name)
        ]
        return list(dict.fromkeys(printed))

    def average(self, suites: Sequence[str], entry: str) -> float | None:
        """The mean of the printed cells of ``suites``, recomputed: two printed ones err."""
        figures = [self.get(suite, entry) for suite in suites]
        if not all(figures):
            return None
        return sum(figure.mean for figure in figures if figure) / len(figures)

    def notes(self, entry: str) -> list[str]:
        """Remarks on the entry's printed cells, each once with its source."""
        figures = [figure for (_, name), figure in self._figures.items() if name == entry]
        return list(dict.fromkeys(f"{f.note} ({f.source})" for f in figures if f.note))

    def seeds(self, entries: Sequence[str]) -> set[int | None]:
        """How many seeds are behind the printed cells of ``entries``; None: not known."""
        return {f.seeds for (_, name), f in self._figures.items() if name in entries}

    def sources(self, entries: Sequence[str]) -> list[str]:
        """The tables that ``entries`` are printed in."""
        return sorted(
            {f.source for (_, entry), f in self._figures.items() if entry in entries}
        )
