"""A figure of a run: its cells, their conditions and their files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from trajprompt.errors import TrajpromptError
from trajprompt.report.numbers.statistics import estimate
from trajprompt.report.pages.markdown import span
from trajprompt.report.plots.prompts import PromptCell, read_cells
from trajprompt.report.plots.style import BLACK
from trajprompt.report.read.cells import Entry
from trajprompt.report.read.run import Run
from trajprompt.settings.stages import FigureSettings

if TYPE_CHECKING:
    from matplotlib.axes import Axes

QUALITIES = ("expert", "medium", "random")


@dataclass(frozen=True)
class Figure:
    settings: FigureSettings
    run: Run
    adaptations: Sequence[str | Path] = ()
    backbones: Sequence[str | Path] = ()

    def condition(self, entry: Entry, name: str) -> Any:
        """An entry's prompt_quality, data_quality or samples, as the config has them."""
        return self.settings.conditions[entry.condition][name]

    def method_label(self, method: str) -> str:
        """What the config calls a method, whatever its condition."""
        return self.settings.methods[method]

    @property
    def baseline(self) -> Entry:
        """The entry that the others are shown against."""
        found = self.run.entry(self.settings.baseline)
        if found is None:
            known = ", ".join(entry.id for entry in self.run.entries)
            where = f"figures.{self.settings.table}.baseline"
            raise TrajpromptError(where, f"'{self.settings.baseline}'", f"one of {known}")
        return found

    @property
    def compared(self) -> list[Entry]:
        """All entries but the baseline."""
        return [c for c in self.run.entries if c.id != self.settings.baseline]

    def covered(self, entries: Sequence[Entry]) -> list[str]:
        """The suites in which one of ``entries`` was played or tuned."""
        return [s for s in self.run.suites if any(c.covers(s) for c in entries)]

    def prompts(self) -> list[PromptCell]:
        """The tuned prompts of every cell: entries in order, then suites, then seeds."""
        return read_cells(self.adaptations, self.run)


def last_row(figure: Figure, suite: str, entry: Entry) -> dict[str, object]:
    """One cell's mean return after tuning, with its interval and counts."""
    scores = figure.run.scores(entry)[suite]
    found = estimate([scores.values], figure.run.stream("last", entry.id, suite))
    return {
        "suite": suite,
        "column": entry.id,
        "label": entry.label,
        "method": entry.method,
        "mean": found.mean,
        "low": found.low,
        "high": found.high,
        "seeds": found.seeds,
        "tasks": found.tasks,
        "episodes": scores.episodes,
    }


def errors(rows: pd.DataFrame) -> Any:
    """Distances (2, n) from the means to the ends of their intervals; 0 where none is.

    None without any: an interval of no width would look like certainty.
    """
    if rows["low"].isna().all():
        return None
    below, above = rows["mean"] - rows["low"], rows["high"] - rows["mean"]
    return [below.fillna(0).to_numpy(), above.fillna(0).to_numpy()]


def untuned_line(axis: "Axes", rows: pd.DataFrame, baseline: str) -> None:
    """The level of the entry that nothing tuned, where ``rows`` have it."""
    level = rows[rows["column"] == baseline]
    if not level.empty:
        label = f"not tuned ({level['label'].iloc[0]})"
        axis.axhline(level["mean"].iloc[0], color=BLACK, ls=":", label=label)


def counted(rows: pd.DataFrame) -> str:
    """What stands behind every point, for an axis: seeds, tasks, episodes."""
    seeds, tasks = (span(rows[name]) for name in ("seeds", "tasks"))
    return f"{seeds} seed(s), {tasks} task(s), {span(rows['episodes'])} episode(s) each"
