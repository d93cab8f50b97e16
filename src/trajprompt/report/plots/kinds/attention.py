"""How much of a backbone's attention falls on the segments of a prompt.

Looked at is the state token at which the newest action is read, with contexts of the test
task's expert demonstrations before and after tuning alike: what differs is the prompt.
The bandit paper says that attention goes mainly to the most informative segment; of which
tokens and layers, it does not: reconstruction.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from trajprompt.errors import TrajpromptError
from trajprompt.report.numbers.statistics import estimate
from trajprompt.report.pages.markdown import span, suite_label
from trajprompt.report.plots.figure import Figure, errors
from trajprompt.report.plots.prompts import PromptCell
from trajprompt.report.plots.style import (
    BLACK,
    BLUE,
    GREY,
    interval_label,
    legend_below,
    panels,
    save,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from trajprompt.models.backbone import Backbone
    from trajprompt.trajectories.segments import Segments

CONTEXTS = 16  # per task, the same ones for all prompts
MOMENTS = {"initial": "before tuning", "last": "after tuning"}  # of an adaptation
COLOURS = dict(zip(MOMENTS.values(), (GREY, BLUE), strict=True))
MEAN, LARGEST = "mean", "largest"  # over layers; of a prompt's segments
GROUP = 0.8  # width of a pair of bars, its distance to the next being 1


def table(figure: Figure) -> pd.DataFrame:
    """A row per suite, entry, moment, layer and segment; layers and segments from 1.

    Layer ``mean``: the mean over layers. Segment ``largest``: that of each prompt with the
    largest share. ``even`` is a segment's share if all tokens were looked at alike; the
    shorter a context, the more of it is left to the prompt.
    """
    cells, files = figure.prompts(), _Files(figure)
    rows = []
    for suite in figure.covered(figure.run.entries):
        for entry in figure.run.entries:
            own = [c for c in cells if (c.suite, c.entry.id) == (suite, entry.id)]
            if own:
                rows += _rows(figure, files, own)
    return pd.DataFrame(rows)


class _Files:
    """Of cells: backbones, each read once, and contexts."""

    def __init__(self, figure: Figure):
        self.figure = figure
        self.backbones: dict[Path, Backbone] = {}

    @cached_property
    def by_hash(self) -> dict[str, Path]:
        from trajprompt.artifacts.atomic import file_hash

        return {file_hash(path): Path(path) for path in self.figure.backbones}

    def backbone(self, cell: PromptCell) -> "Backbone":
        """The one that the cell's prompts were made with."""
        from trajprompt.models.backbone import load_backbone

        made_from = cell.made_from()
        found = [self.by_hash[h] for h in made_from.values() if h in self.by_hash]
        if not found:
            names = ", ".join(map(str, made_from))
            raise TrajpromptError(cell.where, f"made from {names}", "its --backbones")
        if found[0] not in self.backbones:
            self.backbones[found[0]] = load_backbone(found[0])
        return self.backbones[found[0]]

    def contexts(self, cell: PromptCell, backbone: "Backbone") -> "dict[int, Segments]":
        """Task -> (CONTEXTS, K, ..) of its last demonstration, drawn as for pretraining."""
        from trajprompt.seeds import torch_generator
        from trajprompt.trajectories.store import read_trajectories
        from trajprompt.tuning.prompt_sets import episode_tensors

        run, tasks = self.figure.run, np.unique(cell.tasks).tolist()
        path = run.store(cell.suite)
        drawn = {}
        for task, held in read_trajectories(path, tasks).items():
            generator = torch_generator(run.stream("contexts", cell.suite, task))
            episodes = episode_tensors(held.quality("expert", 1), backbone)
            length = backbone.config.context_length
            drawn[task] = episodes.draw(generator, CONTEXTS, length).flatten()
        return drawn


def _rows(
    figure: Figure, files: _Files, cells: Sequence[PromptCell]
) -> list[dict[str, object]]:
    """The rows of one entry in one suite, whose seeds are ``cells``."""
    suite, entry = cells[0].suite, cells[0].entry
    common: dict[str, object] = {"suite": suite, "column": entry.id}
    shares, even = zip(*(_shares(files, cell) for cell in cells), strict=True)
    common |= {"label": entry.label, "contexts": CONTEXTS, "even": np.mean(even)}
    rows: list[dict[str, object]] = []
    every = np.stack(shares, axis=2)
    layers, segments = every.shape[3] - 1, every.shape[4] - 1  # of (M, T, S, L + 1, J + 1)
    for moment, layer, segment in np.ndindex(len(MOMENTS), layers + 1, segments + 1):
        names = (suite, entry.id, moment, layer, segment)
        shares = every[moment, :, :, layer, segment]
        found = estimate([shares], figure.run.stream("attention", *names))
        row: dict[str, object] = {"moment": list(MOMENTS.values())[moment]}
        row |= {"layer": layer + 1 if layer < layers else MEAN}
        row |= {"segment": segment + 1 if segment < segments else LARGEST}
        row |= {"mean": found.mean, "low": found.low, "high": found.high}
        rows.append(common | row | {"seeds": found.seeds, "tasks": found.tasks})
    return rows


def _shares(files: _Files, cell: PromptCell) -> tuple[np.ndarray, float]:
    """(M, T, L + 1, J + 1) of a seed, last the mean over layers, the largest segment.

    Beside it what each would be if all tokens were looked at alike.
    """
    backbone = files.backbone(cell)
    contexts = files.contexts(cell, backbone)
    made = []
    for moment in MOMENTS:
        prompts = getattr(cell.stored, moment).to(backbone.device)
        seen = _segment_attention(backbone, contexts, prompts, cell.tasks, cell.segments)
        seen = np.concatenate([seen, seen.mean(axis=1, keepdims=True)], axis=1)
        largest = seen.max(axis=2, keepdims=True)
        made.append(cell.by_task(np.concatenate([seen, largest], axis=2)))
    masks = [own.mask.sum(dim=-1).cpu().numpy() for own in contexts.values()]
    return np.stack(made), _even(backbone, cell, np.stack(masks))


def _even(backbone: "Backbone", cell: PromptCell, steps: np.ndarray) -> float:
    """The mean share of a segment's tokens in all that the newest state can look at.

    ``steps`` (T, CONTEXTS) are those of the contexts that are not padding.
    """
    prompt = 3 * cell.initial.shape[1]
    context = backbone.model.tokens_per_step * steps - 1  # but for the newest action
    return float(np.mean(prompt / cell.segments / (prompt + context)))


def _segment_attention(
    backbone: "Backbone",
    contexts: "Mapping[int, Segments]",
    prompts: "Segments",
    tasks: np.ndarray,
    segments: int,
) -> np.ndarray:
    """(R, L, J): means over the contexts of each prompt's task."""
    from trajprompt.models.attention import prompt_attention

    found = []
    for row, task in enumerate(tasks.tolist()):
        prompt = prompts.select(slice(row, row + 1))
        seen = prompt_attention(backbone.model, contexts[task], prompt)  # (L, n, P)
        by_segment = seen.unflatten(-1, (segments, -1)).sum(dim=-1).mean(dim=1)
        found.append(by_segment.cpu().numpy())
    return np.stack(found)


def draw(rows: pd.DataFrame, figure: Figure, stem: Path) -> None:
    """A panel per suite and entry: a pair of bars per segment, the mean over layers."""
    means = rows[rows["layer"] == MEAN]
    groups = [own for _, own in means.groupby(["suite", "column"], sort=False)]
    with panels(len(groups)) as (picture, axes):
        for own, axis in zip(groups, axes, strict=True):
            _panel(axis, own)
            suite, label = own.iloc[0][["suite", "label"]]
            axis.set_title(f"{suite_label(suite)}: {label}")
            axis.set_ylabel("share of attention")
        heading = f"{span(rows['seeds'])} seed(s), {span(rows['tasks'])} task(s), "
        heading += f"{CONTEXTS} contexts each; mean over layers"
        named = "; lines are 95 % intervals over seeds"
        text = interval_label(heading, rows["low"], named)
        picture.suptitle(f"{figure.run.title}\n{text}", fontsize=9)
        legend_below(picture, axes)
        save(picture, stem)


def _panel(axis: "Axes", rows: pd.DataFrame) -> None:
    segments = list(dict.fromkeys(rows["segment"]))
    places = np.arange(len(segments))
    for index, (moment, colour) in enumerate(COLOURS.items()):
        own = rows[rows["moment"] == moment]
        style: dict[str, Any] = {"color": colour, "label": moment, "capsize": 3}
        at = places + GROUP * (index - 0.5) / 2
        axis.bar(at, own["mean"], 0.92 * GROUP / 2, yerr=errors(own), **style)
    even = "if all tokens were looked at alike"
    axis.axhline(rows["even"].iloc[0], color=BLACK, ls=":", lw=1.2, label=even)
    names = {LARGEST: "the largest\nof a prompt"}
    axis.set_xticks(places, [names.get(s, f"segment {s}") for s in segments])
    axis.grid(axis="x", visible=False)
