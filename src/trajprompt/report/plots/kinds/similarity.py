"""Similarity of tuned prompts to the expert prompts, by linear CKA (PD Table 6).

A row is a prompt step. Each step of an initial prompt, drawn from expert demonstrations,
is matched with the same step of the prompt tuned from it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from trajprompt.report.numbers.similarity import debiased_cka, linear_cka, mismatched_cka
from trajprompt.report.pages.formats import (
    EMPTY,
    grid,
    interval,
    number,
    plus_minus,
    span,
    suite_label,
)
from trajprompt.report.pages.notes import interval_note
from trajprompt.report.plots.estimates import as_drawn, level, renamed
from trajprompt.report.plots.figure import Figure, last_row
from trajprompt.report.plots.marks import marks_note, mean_mark, plural
from trajprompt.report.plots.prompts import PromptCell
from trajprompt.report.plots.style import (
    BLUE,
    GREY,
    VERMILION,
    headline,
    legend_below,
    panels,
    save,
)
from trajprompt.report.read.papers import printed_files
from trajprompt.report.read.tables import read_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FILE = "similarity.csv"  # in the papers' folders
PRINTED = ["suite", "entry", "similarity", "mean", "spread", "source", "note"]
PUBLISHED = {  # our column -> column of FILE
    "published_similarity": "similarity",
    "published": "mean",
    "published_spread": "spread",
    "source": "source",
    "note": "note",
}


def table(figure: Figure) -> pd.DataFrame:
    """Similarities: a row per suite and entry; the baseline, the untuned prompt, has 1."""
    cells = figure.prompts()
    printed = _printed(figure)
    rows = []
    for suite in figure.covered(figure.compared):
        for entry in figure.run.entries:
            entry_cells = [c for c in cells if c.suite == suite and c.entry.id == entry.id]
            if not entry_cells:
                continue
            row = last_row(figure, suite, entry) | _similarity(figure, entry_cells)
            paper = printed.get((suite, entry.id), {})
            rows.append(row | {new: paper.get(old) for new, old in PUBLISHED.items()})
    return pd.DataFrame(rows)


def _similarity(figure: Figure, cells: Sequence[PromptCell]) -> dict[str, object]:
    """Similarity of one entry in one suite, mean over its seeds ``cells``.

    CKA is computed per seed, because the prompts of a seed are tuned through one backbone.
    Pooling the seeds would hide their spread.
    """
    names = cells[0].entry.id, cells[0].suite
    pairs = [(_steps(cell.initial), _steps(cell.last)) for cell in cells]
    by_seed = np.array([[linear_cka(*pair) for pair in pairs]])  # (1, S)
    found = level(figure.run, [by_seed], "similarity", *names)
    at_random = [
        mismatched_cka(c.initial, c.last, figure.run.stream("chance", *names, c.seed))
        for c in cells
    ]
    return renamed(found, "similarity") | {
        "debiased": float(np.mean([debiased_cka(*pair) for pair in pairs])),
        "chance": float(np.mean(at_random)),
        "prompts": len(cells[0].initial),  # per seed, like the next
        "prompt_steps": len(pairs[0][0]),
    }


def _steps(prompts: np.ndarray) -> np.ndarray:
    """Reshape prompts (n, P, d) to steps (n P, d)."""
    return prompts.reshape(-1, prompts.shape[-1])


def _printed(figure: Figure) -> dict[tuple[str, str], dict[str, Any]]:
    """Published rows by (suite, entry)."""
    numeric, found = ("similarity", "mean"), {}
    for path in printed_files(figure.settings.papers, FILE):
        rows = read_table(path, "git checkout papers/", PRINTED, numeric, ("spread",))
        for row in rows.fillna({"note": ""}).to_dict("records"):
            found[str(row["suite"]), str(row["entry"])] = row
    return found


def draw(rows: pd.DataFrame, figure: Figure, stem: Path) -> None:
    """Draw a panel per suite: our similarity, at random, debiased, and the paper's."""
    suites = list(dict.fromkeys(rows["suite"]))
    with panels(len(suites)) as (picture, axes):
        for suite, axis in zip(suites, axes, strict=True):
            here = rows[rows["suite"] == suite]
            _panel(axis, here)
            axis.set_title(suite_label(suite))
            axis.set_xlabel("similarity to the expert prompts (linear CKA)")
            axis.set_xlim(min(0.0, here["debiased"].min()) - 0.03, 1.03)
        sizes = [plural(span(rows[n]), n[:-1]) for n in ("seeds", "prompts", "tasks")]
        notes = [f"{sizes[0]}, each with {sizes[1]} of {sizes[2]}"]
        notes += [marks_note(as_drawn(rows, "similarity"))]
        headline(picture, figure.run.title, *notes)
        legend_below(picture, axes)
        save(picture, stem)


def _panel(axis: "Axes", rows: pd.DataFrame) -> None:
    places = np.arange(len(rows))
    drawn = as_drawn(rows, "similarity")
    for place, (_, row) in zip(places, drawn.iterrows(), strict=True):
        mean_mark(axis, row, place - 0.18, BLUE, label="this run")
    others = [
        ("debiased", "s", GREY, GREY, "this run, debiased"),
        ("chance", "|", GREY, GREY, "this run, prompts matched at random"),
        ("published_similarity", "D", VERMILION, "white", "paper"),
    ]
    for index, (name, marker, colour, inside, label) in enumerate(others):
        values = rows[name].astype(float).to_numpy()
        at, size = places + 0.12 * (index - 0.5), 12 if marker == "|" else 7
        style: dict[str, Any] = {"color": colour, "markersize": size, "label": label}
        if not np.isnan(values).all():
            axis.plot(values, at, marker, markerfacecolor=inside, ls="", **style)
    axis.set_yticks(places, rows["label"].tolist())
    axis.set_ylim(len(rows) - 0.5, -0.5)


def markdown(rows: pd.DataFrame, figure: Figure) -> str:
    """Tables of similarity and return beside the paper's, with notes."""
    header = ["", "similarity: ours", "debiased", "at random", "paper"]
    header += ["return: ours", "paper"]
    parts = [f"# {figure.run.title}\n"]
    for suite in dict.fromkeys(rows["suite"]):
        here = rows[rows["suite"] == suite]
        lines = [_line(row) for _, row in here.iterrows()]
        parts += [f"{suite_label(suite)}\n", grid(header, lines), _notes(here)]
    return "\n".join([*parts, _explanation(figure)])


def _line(row: pd.Series) -> list[str]:
    ours = number(row["similarity"], 3)
    if not pd.isna(row["similarity_low"]):
        bounds = (number(row[f"similarity_{end}"], 3) for end in ("low", "high"))
        ours = f"{ours} [{', '.join(bounds)}]"
    others = [number(row[name], 3) for name in ("debiased", "chance")]
    printed, paper = EMPTY, EMPTY
    if not pd.isna(row["published"]):
        printed = number(row["published_similarity"], 4)
        paper = plus_minus(row["published"], row["published_spread"])
    return [row["label"], ours, *others, printed, interval(row), paper]


def _notes(rows: pd.DataFrame) -> str:
    """Sample sizes of a suite, and notes on the paper's values."""
    first = rows.iloc[0]
    lines = [
        f"{first['seeds']} seed(s), each with {first['prompts']} prompts ({first['tasks']} "
        f"tasks) of {first['prompt_steps'] // first['prompts']} steps; {first['episodes']} "
        "evaluation episodes per task and seed."
    ]
    lines += [
        f"{row['label']}: {row['note']} ({row['source']})."
        for _, row in rows.iterrows()
        if row["note"]
    ]
    return "\n".join(f"- {line}" for line in lines) + "\n"


def _explanation(figure: Figure) -> str:
    return (
        f"Run `{figure.run.name}`. Similarity is linear CKA (Kornblith et al. 2019) "
        "between the initial prompts, which come from expert demonstrations, and the "
        "prompts tuned from them; a row is one prompt step as the backbone reads it. CKA "
        "is computed per seed; the table shows means over seeds. *At random*: every prompt "
        "is matched with another prompt of its seed. Only similarity above this level "
        "shows that a prompt still resembles its initial prompt. The debiased estimate is "
        "0 on average for unrelated rows; the plain estimate is not, with so few rows. "
        "The paper does not define its rows; its returns are mean ± spread over three seeds"
        + interval_note(figure.run, ". Brackets are 95 % t intervals over seeds.")
        + "\n"
    )
