"""Printed values of a table, read from ``papers/<paper>/<table>.csv``."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trajprompt.errors import TrajpromptError
from trajprompt.report.read.tables import read_table

COLUMNS = ["suite", "entry", "mean", "spread", "seeds", "source", "note"]
REMEDY = "correct the table; docs/add-a-paper.md describes it"
AVERAGE = "average"


@dataclass(frozen=True)
class PrintedCell:
    """One printed cell: mean ± spread over ``seeds`` seeds, and its source."""

    mean: float
    spread: float  # NaN if not printed
    seeds: int | None  # None if unknown
    source: str
    note: str


class Published:
    """Printed values by (suite, entry id); averages as printed, even if wrong."""

    def __init__(self, paths: Sequence[str | Path]):
        self._cells: dict[tuple[str, str], PrintedCell] = {}
        for path in paths:
            nullable = ("spread", "seeds")
            made_by = "git checkout papers/"
            table = read_table(path, made_by, COLUMNS, ("mean",), nullable)
            if list(table.columns) != COLUMNS:
                found = f"found columns {list(table.columns)}"
                raise TrajpromptError(path, found, f"columns {COLUMNS}", REMEDY)
            for row in table.fillna({"note": ""}).itertuples(index=False, name=None):
                self._add(path, row)

    def _add(self, path: str | Path, row: tuple[Any, ...]) -> None:
        suite, entry, mean, spread, seeds, source, note = row
        if (suite, entry) in self._cells:
            found = f"found repeated cell {suite}, {entry}"
            raise TrajpromptError(path, found, "each cell once", REMEDY)
        count = None if math.isnan(seeds) else int(seeds)
        self._cells[suite, entry] = PrintedCell(mean, spread, count, source, note)

    def get(self, suite: str, entry: str) -> PrintedCell | None:
        """The printed cell, or None if no paper prints it."""
        return self._cells.get((suite, entry))

    def entries(self) -> list[str]:
        """Entries that are printed for any suite."""
        return list(dict.fromkeys(name for _, name in self._cells))

    def suites(self, entry: str | None = None) -> list[str]:
        """Suites for which ``entry``, or any entry, is printed; without the average."""
        printed = [
            suite
            for suite, name in self._cells
            if suite != AVERAGE and entry in (None, name)
        ]
        return list(dict.fromkeys(printed))

    def average(self, suites: Sequence[str], entry: str) -> float | None:
        """Mean of the printed cells of ``suites``, or None if one of them is missing.

        It is recomputed because some printed averages are wrong.
        """
        cells = [self.get(suite, entry) for suite in suites]
        if not all(cells):
            return None
        return sum(cell.mean for cell in cells if cell) / len(cells)

    def notes(self, entry: str) -> list[str]:
        """Notes on the entry's printed cells with their sources, without repetition."""
        cells = [cell for (_, name), cell in self._cells.items() if name == entry]
        return list(dict.fromkeys(f"{c.note} ({c.source})" for c in cells if c.note))

    def seeds(self, entries: Sequence[str]) -> set[int | None]:
        """Numbers of seeds of the printed cells of ``entries``; None: unknown."""
        return {cell.seeds for (_, name), cell in self._cells.items() if name in entries}

    def sources(self, entries: Sequence[str]) -> list[str]:
        """Tables in which ``entries`` are printed."""
        return sorted(
            {cell.source for (_, name), cell in self._cells.items() if name in entries}
        )
