"""How like the expert prompts the tuned ones still are, by linear CKA (PD Table 6).

A row is a prompt step: that of the initial prompt, drawn from expert demonstrations, is
matched with the same step of what a method made of this prompt.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from trajprompt.report.markdown import FEW_SEEDS, SUITE_LABELS, grid, interval, number
from trajprompt.report.plots.figure import Figure, last_row
from trajprompt.report.plots.prompts import PromptCell
from trajprompt.report.published import Published
from trajprompt.report.reading import read_table
from trajprompt.report.similarity import chance_cka, debiased_cka, linear_cka
from trajprompt.report.style import BLUE, GREY, VERMILLION, legend_below, panels, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PRINTED = ["suite", "column", "similarity", "source", "note"]


def table(figure: Figure) -> pd.DataFrame:
    """A row per suite and column; the baseline is the prompt not tuned, with 1."""
    cells = figure.prompts()
    returns = Published(_there(figure, "pd_table9.csv"))
    printed = _printed(figure)
    rows = []
    for suite in figure.covered(figure.compared):
        for column in figure.run.columns:
            own = [c for c in cells if c.suite == suite and c.column.id == column.id]
            if not own:
                continue
            stream = figure.run.stream("similarity", column.id, suite)
            row = last_row(figure, suite, column) | _similarity(own, stream)
            row["published_similarity"] = printed.get((suite, column.id))
            paper = returns.get(suite, column.id)
            row["published"] = paper.mean if paper else None
            row["published_spread"] = paper.spread if paper else None
            rows.append(row)
    return pd.DataFrame(rows)


def _similarity(
    cells: Sequence[PromptCell], stream: np.random.SeedSequence
) -> dict[str, float | int]:
    initial = np.concatenate([cell.initial for cell in cells])  # (n, P, d)
    last = np.concatenate([cell.last for cell in cells])
    flat = [values.reshape(-1, values.shape[-1]) for values in (initial, last)]
    return {
        "similarity": linear_cka(*flat),
        "debiased": debiased_cka(*flat),
        "chance": chance_cka(initial, last, stream),
        "prompts": len(initial),
        "prompt_steps": len(flat[0]),
    }


def _there(figure: Figure, name: str) -> list[Path]:
    path = figure.published / name
    return [path] if path.is_file() else []


def _printed(figure: Figure) -> dict[tuple[str, str], float]:
    """(suite, column) -> the similarity that the paper prints."""
    found = {}
    for path in _there(figure, "similarity.csv"):
        rows = read_table(path, "git checkout published/", PRINTED, ("similarity",))
        for row in rows.to_dict("records"):
            found[str(row["suite"]), str(row["column"])] = float(row["similarity"])
    return found


def draw(rows: pd.DataFrame, figure: Figure, stem: Path) -> None:
    """A panel per suite: similarity, ours and printed, and that of unmatched prompts."""
    suites = list(dict.fromkeys(rows["suite"]))
    with panels(len(suites)) as (picture, axes):
        for suite, axis in zip(suites, axes, strict=True):
            here = rows[rows["suite"] == suite]
            _panel(axis, here)
            axis.set_title(SUITE_LABELS.get(suite, suite))
            axis.set_xlabel("similarity to the expert prompts (linear CKA)")
            axis.set_xlim(min(0.0, here["debiased"].min()) - 0.03, 1.03)
        legend_below(picture, axes)
        save(picture, stem)


def _panel(axis: "Axes", rows: pd.DataFrame) -> None:
    places = np.arange(len(rows))
    marks = [
        ("similarity", "o", BLUE, "this run"),
        ("debiased", "s", GREY, "this run, debiased"),
        ("chance", "|", GREY, "this run, prompts matched at random"),
        ("published_similarity", "D", VERMILLION, "paper"),
    ]
    for index, (name, marker, colour, label) in enumerate(marks):
        values = rows[name].astype(float).to_numpy()
        at, size = places + 0.12 * (index - 1.5), 12 if marker == "|" else 7
        style: dict[str, Any] = {"color": colour, "markersize": size, "label": label}
        hollow = "white" if name == "published_similarity" else colour
        if not np.isnan(values).all():
            axis.plot(values, at, marker, markerfacecolor=hollow, **style)
    axis.set_yticks(places, rows["label"].tolist())
    axis.set_ylim(len(rows) - 0.5, -0.5)


def markdown(rows: pd.DataFrame, figure: Figure) -> str:
    """Similarity and return, ours beside the paper's."""
    header = ["", "similarity: ours", "debiased", "at random", "paper"]
    header += ["return: ours", "paper"]
    parts = [f"# {figure.run.title}\n"]
    for suite in dict.fromkeys(rows["suite"]):
        here = rows[rows["suite"] == suite]
        lines = [_line(row) for _, row in here.iterrows()]
        parts += [f"{SUITE_LABELS.get(suite, suite)}\n", grid(header, lines), _notes(here)]
    return "\n".join([*parts, _explanation(figure)])


def _line(row: pd.Series) -> list[str]:
    ours = [number(row[name], 3) for name in ("similarity", "debiased", "chance")]
    printed = number(_float(row["published_similarity"]), 4)
    return [row["label"], *ours, printed, interval(row), number(_float(row["published"]))]


def _float(value: float | None) -> float | None:
    return None if pd.isna(value) else value


def _notes(rows: pd.DataFrame) -> str:
    first = rows.iloc[0]
    return (
        f"{first['prompts']} prompts ({first['seeds']} seed(s), {first['tasks']} tasks) of "
        f"{first['prompt_steps'] // first['prompts']} steps each; {first['episodes']} "
        "evaluation episodes per task and seed.\n"
    )


def _explanation(figure: Figure) -> str:
    return (
        f"Run `{figure.run.name}`. Similarity is linear CKA (Kornblith et al. 2019) of the "
        "initial prompts, which come from expert demonstrations, with what a method made "
        "of each; a row is one prompt step as the backbone reads it. *At random* is the "
        "mean when prompts are matched with those of other tasks and seeds: only what is "
        "above it says that a prompt is still like its own start. The debiased estimate is "
        "0 on average for unrelated rows, which the plain one is not with so few of them. "
        "The paper does not say what it takes for a row. Brackets are 95 % bootstrap "
        f"intervals over seeds. {FEW_SEEDS}\n"
    )
