"""Attention of a backbone to the segments of a prompt.

The query is the state token from which the newest action is predicted. Contexts come from
the test task's expert demonstration and are the same before and after tuning, so that only
the prompt differs. The bandit paper states that attention goes mainly to the most
informative segment. It does not state for which tokens and layers: a reconstruction.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from trajprompt.errors import TrajpromptError
from trajprompt.report.pages.formats import span, suite_label
from trajprompt.report.plots.estimates import level
from trajprompt.report.plots.figure import Figure
from trajprompt.report.plots.marks import marks_note, mean_mark, plural
from trajprompt.report.plots.prompts import PromptCell
from trajprompt.report.plots.style import (
    BLACK,
    BLUE,
    GREY,
    headline,
    legend_below,
    panels,
    save,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from trajprompt.models.backbone import Backbone
    from trajprompt.trajectories.segments import Segments

CONTEXTS = 16  # per task; the same for all prompts
MOMENTS = {"initial": "before tuning", "last": "after tuning"}  # prompts of an adaptation
COLOURS = dict(zip(MOMENTS.values(), (GREY, BLUE), strict=True))
MEAN, LARGEST = "mean", "largest"  # of layers; of a prompt's segments
GROUP_WIDTH = 0.5  # of a pair of marks; pairs are 1 apart


def table(figure: Figure) -> pd.DataFrame:
    """Shares of attention: a row per suite, entry, moment, layer and segment.

    Layers and segments count from 1. Layer ``mean`` is the mean over layers, segment
    ``largest`` the largest share of each prompt, if it has several. ``even`` is a segment's
    share under uniform attention; it is larger in shorter contexts.
    """
    cells, inputs = figure.prompts(), _Inputs(figure)
    rows = []
    for suite in figure.covered(figure.run.entries):
        for entry in figure.run.entries:
            entry_cells = [c for c in cells if (c.suite, c.entry.id) == (suite, entry.id)]
            if entry_cells:
                rows += _rows(figure, inputs, entry_cells)
    return pd.DataFrame(rows)


class _Inputs:
    """Backbones and contexts of the cells; each backbone is read once."""

    def __init__(self, figure: Figure):
        self.figure = figure
        self.backbones: dict[Path, Backbone] = {}

    @cached_property
    def by_hash(self) -> dict[str, Path]:
        from trajprompt.artifacts.atomic import file_hash

        return {file_hash(path): Path(path) for path in self.figure.backbones}

    def backbone(self, cell: PromptCell) -> "Backbone":
        """Backbone that the cell's prompts were tuned on; an error if it is missing."""
        from trajprompt.models.backbone import load_backbone

        made_from = cell.made_from()
        found = [self.by_hash[h] for h in made_from.values() if h in self.by_hash]
        if not found:
            names = ", ".join(map(str, made_from))
            expected = "the backbone among them in --backbones"
            text, remedy = f"found prompts made from {names}", "add it to --backbones"
            raise TrajpromptError(cell.where, text, expected, remedy)
        if found[0] not in self.backbones:
            self.backbones[found[0]] = load_backbone(found[0])
        return self.backbones[found[0]]

    def contexts(self, cell: PromptCell, backbone: "Backbone") -> "dict[int, Segments]":
        """Task -> contexts (CONTEXTS, K, ..), drawn as in pretraining.

        They come from the task's last expert episode.
        """
        from trajprompt.seeds import torch_generator
        from trajprompt.trajectories.store import open_tasks
        from trajprompt.tuning.prompt_sets import episode_tensors

        run, tasks = self.figure.run, np.unique(cell.tasks).tolist()
        path = run.store(cell.suite)
        drawn = {}
        for task, trajectories in open_tasks(path, tasks).items():
            generator = torch_generator(run.stream("contexts", cell.suite, task))
            episodes = episode_tensors(trajectories.quality("expert", 1), backbone)
            length = backbone.config.context_length
            drawn[task] = episodes.draw(generator, CONTEXTS, length).flatten()
        return drawn


def _rows(
    figure: Figure, inputs: _Inputs, cells: Sequence[PromptCell]
) -> list[dict[str, object]]:
    """Rows of one entry in one suite; ``cells`` are its seeds."""
    suite, entry = cells[0].suite, cells[0].entry
    common: dict[str, object] = {"suite": suite, "column": entry.id}
    shares, even = zip(*(_shares(inputs, cell) for cell in cells), strict=True)
    common |= {"label": entry.label, "contexts": CONTEXTS, "even": np.mean(even)}
    rows: list[dict[str, object]] = []
    stacked = np.stack(shares, axis=2)  # (M, T, S, L + 1, J + 1)
    layers, segments = stacked.shape[3] - 1, stacked.shape[4] - 1
    shown = segments + (segments > 1)  # one segment is its own largest
    for moment, layer, segment in np.ndindex(len(MOMENTS), layers + 1, shown):
        names = ("attention", suite, entry.id, moment, layer, segment)
        row: dict[str, object] = {"moment": list(MOMENTS.values())[moment]}
        row |= {"layer": layer + 1 if layer < layers else MEAN}
        row |= {"segment": segment + 1 if segment < segments else LARGEST}
        found = level(figure.run, [stacked[moment, :, :, layer, segment]], *names)
        rows.append(common | row | found)
    return rows


def _shares(inputs: _Inputs, cell: PromptCell) -> tuple[np.ndarray, float]:
    """Shares of one seed (M, T, L + 1, J + 1), and the share under uniform attention.

    The last layer is the mean over layers, the last segment the largest of each prompt.
    """
    backbone = inputs.backbone(cell)
    contexts = inputs.contexts(cell, backbone)
    by_moment = []
    for moment in MOMENTS:
        prompts = getattr(cell.stored, moment).to(backbone.device)
        shares = _segment_attention(backbone, contexts, prompts, cell.tasks, cell.segments)
        shares = np.concatenate([shares, shares.mean(axis=1, keepdims=True)], axis=1)
        largest = shares.max(axis=2, keepdims=True)
        by_moment.append(cell.by_task(np.concatenate([shares, largest], axis=2)))
    steps = [context.mask.sum(dim=-1).cpu().numpy() for context in contexts.values()]
    return np.stack(by_moment), _uniform_share(backbone, cell, np.stack(steps))


def _uniform_share(backbone: "Backbone", cell: PromptCell, steps: np.ndarray) -> float:
    """Mean share of a segment's tokens among all tokens visible to the newest state.

    ``steps`` (T, CONTEXTS) is the length of each context without padding.
    """
    prompt = 3 * cell.initial.shape[1]
    context = backbone.model.tokens_per_step * steps - 1  # without the newest action
    return float(np.mean(prompt / cell.segments / (prompt + context)))


def _segment_attention(
    backbone: "Backbone",
    contexts: "Mapping[int, Segments]",
    prompts: "Segments",
    tasks: np.ndarray,
    segments: int,
) -> np.ndarray:
    """Shares (R, L, J) of attention, means over the contexts of each prompt's task."""
    from trajprompt.models.attention import prompt_attention

    shares = []
    for row, task in enumerate(tasks.tolist()):
        prompt = prompts.select(slice(row, row + 1))
        by_step = prompt_attention(backbone.model, contexts[task], prompt)  # (L, n, P)
        by_segment = by_step.unflatten(-1, (segments, -1)).sum(dim=-1).mean(dim=1)
        shares.append(by_segment.cpu().numpy())
    return np.stack(shares)


def draw(rows: pd.DataFrame, figure: Figure, stem: Path) -> None:
    """Draw a panel per suite and entry: a pair of marks per segment, mean over layers."""
    means = rows[rows["layer"] == MEAN]
    groups = [group for _, group in means.groupby(["suite", "column"], sort=False)]
    with panels(len(groups)) as (picture, axes):
        for group, axis in zip(groups, axes, strict=True):
            _panel(axis, group)
            suite, label = group.iloc[0][["suite", "label"]]
            axis.set_title(f"{suite_label(suite)}: {label}")
            axis.set_ylabel("share of attention")
        seeds, tasks = (span(rows[name]) for name in ("seeds", "tasks"))
        notes = [
            f"{plural(seeds, 'seed')}, {plural(tasks, 'task')}, {CONTEXTS} contexts each"
        ]
        notes += ["mean over layers", marks_note(rows)]
        headline(picture, figure.run.title, *notes)
        legend_below(picture, axes)
        save(picture, stem)


def _panel(axis: "Axes", rows: pd.DataFrame) -> None:
    segments = list(dict.fromkeys(rows["segment"]))
    places = np.arange(len(segments))
    for index, (moment, colour) in enumerate(COLOURS.items()):
        points = rows[rows["moment"] == moment].set_index("segment")
        for place, segment in zip(places, segments, strict=True):
            at = float(place) + GROUP_WIDTH * (index - 0.5) / 2
            style: dict[str, Any] = {"label": moment, "marker": "s" if index else "o"}
            mean_mark(axis, points.loc[segment], at, colour, upright=True, **style)
    style = {"color": BLACK, "ls": ":", "lw": 1.2, "label": "uniform attention"}
    axis.axhline(rows["even"].iloc[0], **style)
    names = {LARGEST: "largest\nper prompt"}
    axis.set_xlim(-0.6, len(segments) - 0.4)
    axis.set_xticks(places, [names.get(s, f"segment {s}") for s in segments])
    axis.grid(axis="x", visible=False)
