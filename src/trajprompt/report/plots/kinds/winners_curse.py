"""Returns that methods estimated for their choice, beside those of the evaluation.

Selecting the highest of noisy returns also selects noise: the winner's curse. The selection
value is a method's estimate for its last choice (`Choice` of the search loop): the
return of one episode or a model's prediction. The mean of all episodes played is shown
beside it. For a method that draws every prompt at random, this mean is the return of an
untuned prompt, from far more prompts than an untuned cell has.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from trajprompt.report.pages.formats import EMPTY, grid, interval, number, suite_label
from trajprompt.report.pages.notes import interval_note, size
from trajprompt.report.plots.estimates import difference, level, renamed
from trajprompt.report.plots.figure import (
    Figure,
    equal_resets,
    fresh,
    last_row,
    sample_sizes,
)
from trajprompt.report.plots.marks import marks_note, mean_mark
from trajprompt.report.plots.prompts import PromptCell
from trajprompt.report.plots.style import (
    BLUE,
    GREY,
    VERMILION,
    headline,
    legend_below,
    list_height,
    panels,
    save,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Extras of an adaptation.
VALUES = "selection_values"  # (R, records + 1)
RETURNS = "episode_returns"  # (R, episodes)
SELECTION, DIFFERENCE, PLAYED = "selection", "difference", "played"


def table(figure: Figure) -> pd.DataFrame:
    """Selection values, returns and their differences: a row per suite and entry.

    Without a selection value there is no difference either. ``played`` is the mean return
    of all episodes that a method played.
    """
    cells = figure.prompts()
    rows = []
    for suite in figure.covered(figure.run.entries):
        for entry in figure.run.entries:
            entry_cells = [c for c in cells if (c.suite, c.entry.id) == (suite, entry.id)]
            if entry_cells:
                row = last_row(figure, suite, entry) | _selection(figure, entry_cells)
                rows.append(row | _played(figure, entry_cells))
    return pd.DataFrame(rows)


def _selection(figure: Figure, cells: Sequence[PromptCell]) -> dict[str, object]:
    """Selection value and its excess over the evaluation; ``cells`` are one per seed."""
    suite, entry = cells[0].suite, cells[0].entry
    values = np.stack([c.by_task(_selection_values(c)) for c in cells], axis=1)
    if not np.isfinite(values).all():
        return {SELECTION: None, DIFFERENCE: None}
    evaluated, run = figure.run.scores(entry)[suite].values, figure.run
    names = entry.id, suite
    found = level(run, [values], SELECTION, *names)
    excess = difference(run, [values], [evaluated], "winners-curse", *names)
    return renamed(found, SELECTION) | renamed(excess, DIFFERENCE)


def _selection_values(cell: PromptCell) -> np.ndarray:
    """Selection values of the last choice (R,); NaN if the method has none."""
    if VALUES not in cell.stored.extras:
        return np.full(len(cell.tasks), np.nan)
    return cell.require(VALUES)[:, -1]


def _played(figure: Figure, cells: Sequence[PromptCell]) -> dict[str, object]:
    """Mean return of all episodes of the search; ``cells`` are one per seed."""
    means = [cell.by_task(cell.require(RETURNS).mean(axis=1)) for cell in cells]
    names = PLAYED, cells[0].entry.id, cells[0].suite
    return renamed(level(figure.run, [np.stack(means, axis=1)], *names), PLAYED)


def draw(rows: pd.DataFrame, figure: Figure, stem: Path) -> None:
    """Draw a panel per suite: selection value and fresh mean of every method's choice."""
    suites = list(dict.fromkeys(rows["suite"]))
    height = list_height(rows.groupby("suite").size().max())
    with panels(len(suites), height=height) as (picture, axes):
        for suite, axis in zip(suites, axes, strict=True):
            here = rows[rows["suite"] == suite]
            _panel(axis, here)
            axis.set_title(
                f"{suite_label(suite)}, evaluated on {fresh(suite)}", fontsize=10
            )
            axis.set_xlabel("return per episode (higher is better)")
            axis.locator_params("x", nbins=5)
            axis.set_yticks(range(len(here)), here["label"])
            axis.set_ylim(len(here) - 0.5, -0.5)
        notes = [sample_sizes(rows), marks_note(rows), equal_resets(suites)]
        headline(picture, figure.run.title, *notes)
        legend_below(picture, axes)
        save(picture, stem)


def _panel(axis: "Axes", rows: pd.DataFrame) -> None:
    for place, (_, row) in enumerate(rows.iterrows()):
        mean_mark(axis, row, place, BLUE, label="the choice in the evaluation")
        if not pd.isna(row[SELECTION]):
            axis.plot([row["mean"], row[SELECTION]], [place, place], ":", color=GREY)
            text, hollow = "return estimated by the method", "white"
            axis.plot(row[SELECTION], place, "D", label=text, color=VERMILION, mfc=hollow)


def markdown(rows: pd.DataFrame, figure: Figure) -> str:
    """Tables of the episodes played, selection value, fresh mean and their difference."""
    header = ["", "mean of all episodes played", "selection value"]
    parts = [f"# {figure.run.title}\n"]
    for suite in dict.fromkeys(rows["suite"]):
        here = rows[rows["suite"] == suite]
        columns = [*header, f"on {fresh(suite)}", "selection − evaluation"]
        lines = [[row["label"], *_line(row)] for _, row in here.iterrows()]
        parts += [f"{suite_label(suite)}\n", grid(columns, lines)]
    return "\n".join([*parts, _explanation(rows, figure)])


def _line(row: pd.Series) -> list[str]:
    played, difference = (
        pd.Series({"mean": row[n]} | {e: row.get(f"{n}_{e}") for e in ("low", "high")})
        for n in (PLAYED, DIFFERENCE)
    )
    if pd.isna(row[SELECTION]):
        return [interval(played), EMPTY, interval(row), EMPTY]
    return [interval(played), number(row[SELECTION]), interval(row), interval(difference)]


def _explanation(rows: pd.DataFrame, figure: Figure) -> str:
    bootstrap = ". Brackets are 95 % t intervals over seeds."
    return (
        f"Run `{figure.run.name}`, {size(figure.run, rows)}. *Mean of all episodes "
        "played*: mean return during the search, over all prompts tried; for a method that "
        "draws all of them at random, the best estimate of the return of an untuned "
        "prompt. *Selection value*: the return that a method estimated for its last "
        "choice, either the return of the one episode by which it was selected or a "
        "model's prediction; a dash if the method has no estimate. *On fresh episodes*: "
        "the mean return of the same prompt in episodes that no method has used. *On the "
        "tuned episode*: where all resets of a suite are equal, the evaluation repeats the "
        "episode of the search, and selection cannot differ from it. The last "
        "column is the winner's curse of methods that select by the return of one episode: "
        "they selected noise if its interval is above 0. A model's prediction also "
        "contains the model's error"
        f"{interval_note(figure.run, bootstrap)}\n"
    )
