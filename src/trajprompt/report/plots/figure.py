"""A figure of a run, with its cells, conditions and files."""

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
    """Settings, run and input files of one figure."""

    settings: FigureSettings
    run: Run
    adaptations: Sequence[str | Path] = ()
    backbones: Sequence[str | Path] = ()

    def condition(self, entry: Entry, name: str) -> Any:
        """Value of ``prompt_quality``, ``data_quality`` or ``samples`` of an entry."""
        return self.settings.conditions[entry.condition][name]

    def method_label(self, method: str) -> str:
        """Label of a method in the config, the same for all conditions."""
        return self.settings.methods[method]

    @property
    def baseline(self) -> Entry:
        """Entry that the others are compared with; an error if the run lacks it."""
        baseline = self.run.entry(self.settings.baseline)
        if baseline is None:
            known = ", ".join(entry.id for entry in self.run.entries)
            where = f"figures.{self.settings.table}.baseline"
            found, expected = f"found '{self.settings.baseline}'", f"one of {known}"
            raise TrajpromptError(where, found, expected, "correct this key in the config")
        return baseline

    @property
    def compared(self) -> list[Entry]:
        """All entries except the baseline."""
        return [c for c in self.run.entries if c.id != self.settings.baseline]

    def covered(self, entries: Sequence[Entry]) -> list[str]:
        """Suites that at least one of ``entries`` covers."""
        return [s for s in self.run.suites if any(c.covers(s) for c in entries)]

    def prompts(self) -> list[PromptCell]:
        """Prompts of every cell, ordered by entry, suite and seed."""
        return read_cells(self.adaptations, self.run)


def last_row(figure: Figure, suite: str, entry: Entry) -> dict[str, object]:
    """Row of one cell: mean return after tuning, interval and sample sizes."""
    scores = figure.run.scores(entry)[suite]
    found = estimate([scores.values])
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


def error_bars(rows: pd.DataFrame) -> Any:
    """Distances (2, n) from the means to the ends of their intervals; 0 without one.

    None if no row has an interval: one of zero width would look like certainty.
    """
    if rows["low"].isna().all():
        return None
    below, above = rows["mean"] - rows["low"], rows["high"] - rows["mean"]
    return [below.fillna(0).to_numpy(), above.fillna(0).to_numpy()]


def untuned_line(axis: "Axes", rows: pd.DataFrame, baseline: str) -> None:
    """Draw the level of the untuned entry, if ``rows`` contain it."""
    level = rows[rows["column"] == baseline]
    if not level.empty:
        label = f"not tuned ({level['label'].iloc[0]})"
        axis.axhline(level["mean"].iloc[0], color=BLACK, ls=":", label=label)


def sample_sizes(rows: pd.DataFrame) -> str:
    """Sample sizes of every point as text: seeds, tasks, episodes."""
    seeds, tasks = (span(rows[name]) for name in ("seeds", "tasks"))
    return f"{seeds} seed(s), {tasks} task(s), {span(rows['episodes'])} episode(s) each"
