"""What methods believed their choice to earn, beside what it earns on fresh episodes.

Whoever picks the highest of noisy returns picks noise, too: the winner's curse. Beliefs
are a method's own, of its last choice (`search.Candidate`): the return of one episode, or
what a model says. What a method played on the way is beside them: where it draws every
prompt at random, that is what an untuned prompt earns, from far more prompts than a cell
without tuning has.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from trajprompt.report.numbers.statistics import Estimate, estimate, paired_difference
from trajprompt.report.pages.markdown import (
    EMPTY,
    about_intervals,
    grid,
    interval,
    number,
    size,
    suite_label,
)
from trajprompt.report.plots.figure import Figure, counted, last_row
from trajprompt.report.plots.prompts import PromptCell
from trajprompt.report.plots.style import (
    BLUE,
    GREY,
    VERMILLION,
    interval_label,
    legend_below,
    list_height,
    panels,
    save,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

EXTRA = "selection_values"  # (R, records + 1) of an adaptation
RETURNS = "episode_returns"  # (R, episodes) of an adaptation
SELECTION, DIFFERENCE, PLAYED = "selection", "difference", "played"


def table(figure: Figure) -> pd.DataFrame:
    """A row per suite and entry; methods without a belief have neither it nor a gap.

    ``played``: the mean of all episodes that a method played.
    """
    cells = figure.prompts()
    rows = []
    for suite in figure.covered(figure.run.entries):
        for entry in figure.run.entries:
            own = [c for c in cells if (c.suite, c.entry.id) == (suite, entry.id)]
            if own:
                row = last_row(figure, suite, entry) | _selection(figure, own)
                rows.append(row | _played(figure, own))
    return pd.DataFrame(rows)


def _selection(figure: Figure, cells: Sequence[PromptCell]) -> dict[str, float | None]:
    """Belief, and belief - fresh, of one entry in one suite; ``cells`` are its seeds."""
    suite, entry = cells[0].suite, cells[0].entry
    believed = np.stack([c.by_task(_belief(c)) for c in cells], axis=1)
    if not np.isfinite(believed).all():
        return _numbers(SELECTION, None) | _numbers(DIFFERENCE, None)
    fresh = figure.run.scores(entry)[suite].values
    names = entry.id, suite
    found = estimate([believed], figure.run.stream(SELECTION, *names))
    stream = figure.run.stream("winners-curse", *names)
    gap = paired_difference([believed], [fresh], stream)
    return _numbers(SELECTION, found) | _numbers(DIFFERENCE, gap)


def _belief(cell: PromptCell) -> np.ndarray:
    """(R,) of the last choice; NaN where the method has none."""
    if EXTRA not in cell.stored.extras:
        return np.full(len(cell.tasks), np.nan)
    return cell.require(EXTRA)[:, -1]


def _played(figure: Figure, cells: Sequence[PromptCell]) -> dict[str, float | None]:
    """All episodes of the search of one entry in one suite; ``cells`` are its seeds."""
    means = [cell.by_task(cell.require(RETURNS).mean(axis=1)) for cell in cells]
    stream = figure.run.stream(PLAYED, cells[0].entry.id, cells[0].suite)
    return _numbers(PLAYED, estimate([np.stack(means, axis=1)], stream))


def _numbers(name: str, found: Estimate | None) -> dict[str, float | None]:
    values = (found.mean, found.low, found.high) if found else (None,) * 3
    return dict(zip((name, f"{name}_low", f"{name}_high"), values, strict=True))


def draw(rows: pd.DataFrame, figure: Figure, stem: Path) -> None:
    """A panel per suite: every method's belief there, and what was true of it."""
    suites = list(dict.fromkeys(rows["suite"]))
    height = list_height(rows.groupby("suite").size().max())
    with panels(len(suites), height=height) as (picture, axes):
        for suite, axis in zip(suites, axes, strict=True):
            here = rows[rows["suite"] == suite]
            _panel(axis, here)
            axis.set_title(suite_label(suite))
            axis.set_xlabel("return per episode (higher is better)")
            axis.set_yticks(range(len(here)), here["label"])
            axis.set_ylim(len(here) - 0.5, -0.5)
        picture.suptitle(f"{figure.run.title}\n{counted(rows)}", fontsize=9)
        legend_below(picture, axes)
        save(picture, stem)


def _panel(axis: "Axes", rows: pd.DataFrame) -> None:
    fresh = interval_label("the choice on fresh episodes", rows["low"])
    for place, (_, row) in enumerate(rows.iterrows()):
        if not pd.isna(row["low"]):
            axis.plot([row["low"], row["high"]], [place, place], color=BLUE, lw=2)
        axis.plot(row["mean"], place, "o", color=BLUE, label=fresh)
        if not pd.isna(row[SELECTION]):
            axis.plot([row["mean"], row[SELECTION]], [place, place], ":", color=GREY)
            text, hollow = "what the method believed it to earn", "white"
            axis.plot(row[SELECTION], place, "D", label=text, color=VERMILLION, mfc=hollow)


def markdown(rows: pd.DataFrame, figure: Figure) -> str:
    """A table per suite: what was played, belief, fresh mean, and the last two's gap."""
    header = ["", "mean of all episodes played", "selection value"]
    header += ["on fresh episodes", "selection − fresh"]
    parts = [f"# {figure.run.title}\n"]
    for suite in dict.fromkeys(rows["suite"]):
        here = rows[rows["suite"] == suite]
        lines = [[row["label"], *_line(row)] for _, row in here.iterrows()]
        parts += [f"{suite_label(suite)}\n", grid(header, lines)]
    return "\n".join([*parts, _explanation(rows, figure)])


def _line(row: pd.Series) -> list[str]:
    played, gap = (
        pd.Series({"mean": row[n], "low": row[f"{n}_low"], "high": row[f"{n}_high"]})
        for n in (PLAYED, DIFFERENCE)
    )
    if pd.isna(row[SELECTION]):
        return [interval(played), EMPTY, interval(row), EMPTY]
    return [interval(played), number(row[SELECTION]), interval(row), interval(gap)]


def _explanation(rows: pd.DataFrame, figure: Figure) -> str:
    bootstrap = ". Brackets are 95 % bootstrap intervals over seeds."
    return (
        f"Run `{figure.run.name}`, {size(figure.run, rows)}. *Mean of all episodes "
        "played*: by a method while it searched, whatever prompts it tried; where it draws "
        "all of them at random, this is the best estimate of what an untuned prompt earns. "
        "*Selection value*: what a method believed its last choice to earn, be it the "
        "return of the one episode by which it was picked or the word of a model; a dash "
        "where it believes nothing. *On fresh episodes*: the mean of the same prompt in "
        "episodes that no method has seen. The last column is the winner's curse of "
        "methods that pick by the return of one episode: luck, where its interval lies "
        "above 0. What a model believes has the model's error in it as well"
        f"{about_intervals(figure.run, bootstrap)}\n"
    )
