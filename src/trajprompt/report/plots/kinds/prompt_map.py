"""t-SNE map of prompts: expert data, prompt tuning, diffuser (PD Figure 5)."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from trajprompt.report.pages.formats import span, suite_label
from trajprompt.report.plots.figure import Figure
from trajprompt.report.plots.marks import plural
from trajprompt.report.plots.prompts import PromptCell
from trajprompt.report.plots.style import (
    CYCLE,
    GREY,
    headline,
    legend_below,
    panels,
    save,
)
from trajprompt.seeds import integers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

EXPERT = "expert data"
DATA, WRITTEN = "data_prompts", "written_prompts"  # extras of prompt generators
LEGEND: dict[str, dict[str, Any]] = {  # of the two sizes of marks
    "large: evaluated or initial": {"ms": 7, "mec": "black"},
    "small: further prompts": {"ms": 3.5},
}
MARKERS = "osD^vP*X"  # one per task
PERPLEXITY = 30.0  # van der Maaten & Hinton 2008: typical values are 5 to 50


def table(figure: Figure) -> pd.DataFrame:
    """Source and t-SNE coordinates of the prompts, a row per prompt.

    ``expert data`` is the source of the initial prompts and of the diffuser's training
    prompts. The source of adapted prompts, and of others that the diffuser generated, is
    the method. ``adapted`` marks the evaluated prompts and their initial prompts.
    """
    cells = figure.prompts()
    rows = []
    for suite in figure.covered(figure.run.entries):
        here = [cell for cell in cells if cell.suite == suite]
        names, vectors = _points(here)
        stream = figure.run.stream("prompt map", suite)
        coordinates = embed(vectors, int(integers(stream, 1)[0]))
        places = zip(names, coordinates, strict=True)
        rows += [{"suite": suite} | name | {"x": x, "y": y} for name, (x, y) in places]
    return pd.DataFrame(rows)


def embed(vectors: np.ndarray, seed: int) -> np.ndarray:
    """Embed vectors (n, d) in the plane by t-SNE, (n, 2)."""
    from sklearn.manifold import TSNE

    perplexity = min(PERPLEXITY, (len(vectors) - 1) / 3)
    return TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(vectors)


def _points(cells: Sequence[PromptCell]) -> tuple[list[dict[str, object]], np.ndarray]:
    """Identifiers and vectors (n, P (1 + S + A)) of prompts, without duplicates per row."""
    names: list[dict[str, object]] = []
    vectors = []
    seeds = set()
    for cell in cells:
        sets = [(cell.entry.label, True, cell.last)]
        if cell.seed not in seeds:  # the initial prompts are the same for all methods
            sets.append((EXPERT, True, cell.initial))
            seeds.add(cell.seed)
        if DATA in cell.stored.extras:
            sets.append((EXPERT, False, cell.require(DATA)))
            sets.append((cell.entry.label, False, cell.require(WRITTEN)))
        for source, adapted, prompts in sets:
            # (R, P, d); extras are (R, n, P * d)
            flat = prompts.reshape(len(cell.tasks), -1, np.prod(cell.initial.shape[1:]))
            for row, task in enumerate(cell.tasks):
                name = {"source": source, "seed": cell.seed, "task": task}
                distinct = np.unique(flat[row], axis=0)  # demonstrations are few
                names += [name | {"adapted": adapted}] * len(distinct)
                vectors.append(distinct)
    return names, np.concatenate(vectors).astype(np.float64)


def draw(rows: pd.DataFrame, figure: Figure, stem: Path) -> None:
    """Draw a panel per suite: a colour per source, a marker per task."""
    suites = list(dict.fromkeys(rows["suite"]))
    sources = [EXPERT, *(name for name in dict.fromkeys(rows["source"]) if name != EXPERT)]
    with panels(len(suites), height=4.2) as (picture, axes):
        for suite, axis in zip(suites, axes, strict=True):
            here = rows[rows["suite"] == suite]
            for source, colour in zip(sources, (GREY, *CYCLE), strict=False):
                _source(axis, here[here["source"] == source], colour)
            for task, marker in zip(here["task"].unique(), MARKERS * 9, strict=False):
                axis.plot([], [], marker, color="white", mec="black", label=f"task {task}")
            for label, style in LEGEND.items():
                axis.plot([], [], "o", color=GREY, label=label, **style)
            axis.set_title(f"{suite_label(suite)}, {len(here)} prompts")
            axis.set_xlabel("t-SNE dimension 1 (no unit)")
            axis.set_ylabel("t-SNE dimension 2 (no unit)")
        seeds, tasks = (span(rows.groupby("suite")[n].nunique()) for n in ("seed", "task"))
        notes = [f"prompts of {plural(seeds, 'seed')} and {plural(tasks, 'task')}"]
        notes += ["large marks: the evaluated prompts and those they were tuned from"]
        notes += ["small marks: further prompts of the data and of the diffuser"]
        notes += ["distances between clusters mean little in such a map"]
        headline(picture, figure.run.title, *notes)
        legend_below(picture, axes)
        save(picture, stem)


def _source(axis: "Axes", rows: pd.DataFrame, colour: str) -> None:
    """Draw one source; large markers with an edge are the ``adapted`` prompts."""
    if rows.empty:
        return
    label = rows["source"].iloc[0]
    axis.plot([], [], "s", color=colour, label=label)
    for marker, task in zip(MARKERS * 9, rows["task"].unique(), strict=False):
        here = rows[rows["task"] == task]
        for adapted, size, edge in ((False, 14, "none"), (True, 42, "black")):
            part = here[here["adapted"] == adapted]
            style: dict[str, Any] = {"marker": marker, "color": colour, "alpha": 0.8}
            style |= {"edgecolors": edge, "linewidths": 0.8}
            axis.scatter(part["x"], part["y"], size, **style)
