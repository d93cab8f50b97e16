"""A figure of a run, with its cells, conditions and files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from trajprompt.errors import TrajpromptError
from trajprompt.report.pages.formats import number, span, suite_label
from trajprompt.report.plots.estimates import difference, level, renamed
from trajprompt.report.plots.marks import plural
from trajprompt.report.plots.prompts import PromptCell, read_cells
from trajprompt.report.plots.style import BLACK
from trajprompt.report.read.cells import Entry
from trajprompt.report.read.run import Run
from trajprompt.settings.stages import FigureSettings
from trajprompt.tasks.registry import get_suite

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
    """Row of one cell: mean return after tuning, interval, seeds and sample sizes."""
    scores = figure.run.scores(entry)[suite]
    row: dict[str, object] = {"suite": suite, "column": entry.id, "label": entry.label}
    row |= {"method": entry.method, "episodes": scores.episodes}
    return row | level(figure.run, [scores.values], "last", entry.id, suite)


def gain(figure: Figure, suite: str, entry: Entry) -> dict[str, object]:
    """Columns ``gain``: return after tuning less the baseline's, paired by task and seed.

    Empty if the run lacks the baseline on the suite.
    """
    if not figure.baseline.covers(suite):
        return {}
    first, second = (figure.run.scores(e)[suite].values for e in (entry, figure.baseline))
    return renamed(
        difference(figure.run, [first], [second], "gain", entry.id, suite), "gain"
    )


def zero_line(axis: "Axes") -> None:
    """Draw the line at 0 of differences from the untuned prompt."""
    axis.axhline(0, color=BLACK, ls=":", lw=1.3, zorder=1, label="not tuned")


def zero_title(rows: pd.DataFrame, suite: str, baseline: str) -> str:
    """Title of a panel of differences: the suite, and what 0 stands for."""
    known = rows[rows["column"] == baseline]
    zero = "0 is the prompt before tuning"
    if not known.empty:
        first = known.iloc[0]
        zero = f"0 is {first['label']}, not tuned: {number(first['mean'])}"
    return f"{suite_label(suite)}\n{zero}"


def sample_sizes(rows: pd.DataFrame) -> str:
    """Sample sizes of every point as text: seeds, tasks, episodes."""
    seeds, tasks = (span(rows[name]) for name in ("seeds", "tasks"))
    episodes = plural(span(rows["episodes"]), "episode")
    return f"{plural(seeds, 'seed')}, {plural(tasks, 'task')}, {episodes} each"


def fresh(suite: str) -> str:
    """What the evaluation's episodes are to a search: fresh, or the one that it played."""
    return (
        "the tuned episode" if get_suite(suite).deterministic_resets else "fresh episodes"
    )


def equal_resets(suites: Sequence[str]) -> str:
    """Note on the suites whose resets are all equal; empty if there are none."""
    named = [suite_label(s) for s in suites if get_suite(s).deterministic_resets]
    if not named:
        return ""
    text = "resets are all equal, the evaluated episode is the tuned one"
    return f"{' and '.join(named)}: {text}"
