"""Evaluation of all checkpoints of an adaptation, as a table of episodes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from trajprompt.artifacts.csv_files import csv_text
from trajprompt.progress import progress
from trajprompt.rollout.columns import EVALUATION_COLUMNS
from trajprompt.rollout.plays import Play, PlaySettings, evaluation_seeds, play
from trajprompt.rollout.stacked_plays import Part, play_stack
from trajprompt.settings.stages import EvaluateSettings
from trajprompt.tasks.registry import get_suite
from trajprompt.tasks.suites import Suite
from trajprompt.trajectories.segments import Segments

if TYPE_CHECKING:
    from trajprompt.adaptations.read import StoredAdaptation
    from trajprompt.models.backbone import Backbone

Entry = dict[str, object]
Weights = dict[str, torch.Tensor] | None  # tuned weights of a row; None: the backbone's


@dataclass(frozen=True)
class Iterate:
    """A play, and the checkpoint and iteration under which it is reported."""

    name: str  # last, best or curve
    row: int
    iteration: int
    queries: int
    play: Play
    episodes: int


def evaluate_cell(
    settings: EvaluateSettings, backbone: "Backbone", stored: "StoredAdaptation"
) -> list[Entry]:
    """Evaluation of an adaptation: an entry per row, checkpoint and episode."""
    cell = _Cell(settings, backbone, stored)
    for plays in progress(cell.groups, f"{settings.suite} evaluate", "model"):
        part = cell.part(plays)
        play(cell.how, part.backbone, part.plays, part.seeds)
    return cell.entries()


def evaluate_stack(
    cells: Sequence[tuple[EvaluateSettings, "Backbone", "StoredAdaptation"]],
) -> list[list[Entry]]:
    """Evaluation of several seeds of a cell, all backbones together; entries per seed.

    Settings differ in their seeds only. The entries of a seed do not depend on the others.
    """
    found = [_Cell(*cell) for cell in cells]
    play_stack(found[0].how, [cell.part(plays) for cell in found for plays in cell.groups])
    return [cell.entries() for cell in found]


class _Cell:
    """The points of one cell's table, and the plays that they need, by backbone."""

    def __init__(
        self, settings: EvaluateSettings, backbone: "Backbone", stored: "StoredAdaptation"
    ):
        self.settings, self.backbone, self.stored = settings, backbone, stored
        suite = get_suite(settings.suite)
        self.points = [
            point
            for row in range(len(stored.rows))
            for point in _checkpoints(settings, suite, stored, row)
        ]
        self.how = PlaySettings(
            suite,
            settings.target_return,
            settings.precision,
            settings.engine,
            settings.threads,
        )
        run_seed, seed = settings.run_seed, settings.seed
        self.seeds = {
            task: evaluation_seeds(run_seed, suite.name, seed, task, settings.episodes)
            for task in {int(task) for task in stored.rows}
        }
        plays = {id(point.play): point.play for point in self.points}
        self.groups = _by_weights(list(plays.values()))

    def part(self, plays: Sequence[Play]) -> Part:
        """Plays of one of the groups, with the model that plays them."""
        weights = plays[0].weights
        model = self.backbone if weights is None else self.backbone.with_weights(weights)
        return Part(model, plays, self.seeds)

    def entries(self) -> list[Entry]:
        """The rows of the table, after all plays."""
        return [
            entry
            for point in self.points
            for entry in _entries(self.settings, self.stored, point)
        ]


def _by_weights(plays: Sequence[Play]) -> list[list[Play]]:
    """Group plays by their weights; one model plays each group."""
    groups: dict[int, list[Play]] = {}
    for one in plays:
        groups.setdefault(id(one.weights), []).append(one)
    return list(groups.values())


def to_csv(entries: Sequence[Entry]) -> str:
    """Format entries as CSV text, one line per episode."""
    return csv_text(EVALUATION_COLUMNS, entries)


def _checkpoints(
    settings: EvaluateSettings, suite: Suite, stored: "StoredAdaptation", row: int
) -> list[Iterate]:
    """Iterates of one row to report; equal prompts share one play.

    If weights were tuned, the curve begins with the backbone's weights.
    """
    full, short = settings.episodes, min(settings.curve_episodes, settings.episodes)
    if suite.deterministic_resets:  # all episodes are equal
        full, short = min(full, 1), min(short, 1)
    last, tuned = stored.last_iteration, stored.weights.get(row)
    wanted: list[tuple[str, int, Segments | None, Weights, int]] = [
        ("last", last, stored.last, tuned, full),
        ("best", int(stored.best_iteration[row]), stored.best, tuned, full),
    ]
    wanted += [
        ("curve", n, prompts, tuned, short) for n, prompts in sorted(stored.curve.items())
    ]
    if stored.snapshots:
        kept = {n: found[row] for n, found in stored.snapshots.items()}
        for iteration, weights in sorted({0: None, **kept, last: tuned}.items()):
            prompts = stored.initial if weights is None else stored.last
            wanted.append(("curve", iteration, prompts, weights, short))
    plays: list[Play] = []
    points = []
    for name, iteration, prompts, weights, episodes in wanted:
        if episodes == 0:
            continue
        prompt = None if prompts is None else prompts.select(row)
        one = _shared_play(plays, Play(int(stored.rows[row]), prompt, weights=weights))
        one.episodes = max(one.episodes, episodes)
        queries = stored.queries(row, iteration)
        points.append(Iterate(name, row, iteration, queries, one, episodes))
    return points


def _shared_play(plays: list[Play], wanted: Play) -> Play:
    """The play of a row's ``plays`` that equals ``wanted``; if none does, append it."""
    for one in plays:
        if one.weights is not wanted.weights:
            continue
        if wanted.prompt is None or one.prompt is None:
            return one  # either all plays of a row have a prompt, or none has
        if all(torch.equal(a, b) for a, b in zip(wanted.prompt, one.prompt, strict=True)):
            return one
    plays.append(wanted)
    return wanted


def _entries(
    settings: EvaluateSettings, stored: "StoredAdaptation", point: Iterate
) -> Iterator[Entry]:
    one = point.play
    for episode in range(point.episodes):
        yield {
            "suite": settings.suite,
            "condition": settings.condition,
            "method": settings.method,
            "seed": settings.seed,
            "task": one.task,
            "prompt": int(stored.prompts[point.row]),
            "episode": episode,
            "checkpoint": point.name,
            "iteration": point.iteration,
            "queries": point.queries,
            "return": one.returns[episode],
            "length": one.lengths[episode],
            "success": int(one.successes[episode]),
        }
