"""Prompts in the plane by t-SNE: expert data, prompt tuning, diffuser (PD Figure 5)."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from trajprompt.report.pages.markdown import suite_label
from trajprompt.report.plots.figure import Figure
from trajprompt.report.plots.prompts import PromptCell
from trajprompt.report.plots.style import CYCLE, GREY, legend_below, panels, save
from trajprompt.seeds import integers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

EXPERT = "expert data"
DATA, WRITTEN = "data_prompts", "written_prompts"  # extras of prompt generators
MARKERS = "osD^vP*X"  # a task each
PERPLEXITY = 30.0  # van der Maaten & Hinton 2008 take 5 to 50


def table(figure: Figure) -> pd.DataFrame:
    """A row per prompt: where it is from, and where t-SNE puts it.

    From the data come the initial prompts, and those that the diffuser was tuned on; from
    the diffuser the adapted prompts, and what else it wrote. ``adapted`` marks the prompts
    that were played, and their starts.
    """
    cells = figure.prompts()
    rows = []
    for suite in figure.covered(figure.run.entries):
        own = [cell for cell in cells if cell.suite == suite]
        names, vectors = _points(own)
        stream = figure.run.stream("prompt map", suite)
        at = embed(vectors, int(integers(stream, 1)[0]))
        places = zip(names, at, strict=True)
        rows += [{"suite": suite} | name | {"x": x, "y": y} for name, (x, y) in places]
    return pd.DataFrame(rows)


def embed(vectors: np.ndarray, seed: int) -> np.ndarray:
    """(n, d) to (n, 2)."""
    from sklearn.manifold import TSNE

    perplexity = min(PERPLEXITY, (len(vectors) - 1) / 3)
    return TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(vectors)


def _points(cells: Sequence[PromptCell]) -> tuple[list[dict[str, object]], np.ndarray]:
    """What every prompt is, and all of them as (n, P (1 + S + A)); equal ones once."""
    names: list[dict[str, object]] = []
    vectors = []
    seen = set()
    for cell in cells:
        made = [(cell.entry.label, True, cell.last)]
        if cell.seed not in seen:  # the initial prompts are the same for all methods
            made.append((EXPERT, True, cell.initial))
            seen.add(cell.seed)
        if DATA in cell.stored.extras:
            made.append((EXPERT, False, cell.require(DATA)))
            made.append((cell.entry.label, False, cell.require(WRITTEN)))
        for source, adapted, prompts in made:
            # (R, P, d), or (R, n, P * d) of the extras
            flat = prompts.reshape(len(cell.tasks), -1, np.prod(cell.initial.shape[1:]))
            for row, task in enumerate(cell.tasks):
                one = {"source": source, "seed": cell.seed, "task": task}
                different = np.unique(flat[row], axis=0)  # few demonstrations: few prompts
                names += [one | {"adapted": adapted}] * len(different)
                vectors.append(different)
    return names, np.concatenate(vectors).astype(np.float64)


def draw(rows: pd.DataFrame, figure: Figure, stem: Path) -> None:
    """A panel per suite: a colour per source, a marker per task."""
    suites = list(dict.fromkeys(rows["suite"]))
    sources = [EXPERT, *(name for name in dict.fromkeys(rows["source"]) if name != EXPERT)]
    with panels(len(suites), height=4.2) as (picture, axes):
        for suite, axis in zip(suites, axes, strict=True):
            here = rows[rows["suite"] == suite]
            for source, colour in zip(sources, (GREY, *CYCLE), strict=False):
                _source(axis, here[here["source"] == source], colour)
            for task, marker in zip(here["task"].unique(), MARKERS * 9, strict=False):
                axis.plot([], [], marker, color="white", mec="black", label=f"task {task}")
            axis.set_title(f"{suite_label(suite)}, {len(here)} prompts")
            axis.set_xlabel("t-SNE, 1st (no unit)")
            axis.set_ylabel("t-SNE, 2nd (no unit)")
        legend_below(picture, axes)
        save(picture, stem)


def _source(axis: "Axes", rows: pd.DataFrame, colour: str) -> None:
    """Large marks with an edge: prompts that were played, and their starts."""
    if rows.empty:
        return
    label = rows["source"].iloc[0]
    axis.plot([], [], "s", color=colour, label=label)
    for marker, task in zip(MARKERS * 9, rows["task"].unique(), strict=False):
        own = rows[rows["task"] == task]
        for adapted, size, edge in ((False, 14, "none"), (True, 42, "black")):
            part = own[own["adapted"] == adapted]
            style: dict[str, Any] = {"marker": marker, "color": colour, "alpha": 0.8}
            style |= {"edgecolors": edge, "linewidths": 0.8}
            axis.scatter(part["x"], part["y"], size, **style)
