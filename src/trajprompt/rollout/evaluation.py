"""Evaluation of all checkpoints of an adaptation, as a table of episodes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from trajprompt.artifacts.csv_files import csv_text
from trajprompt.progress import progress
from trajprompt.rollout.columns import EVALUATION_COLUMNS, VARIED
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

    name: str  # one of SELECTIONS
    row: int
    iteration: int
    queries: int
    play: Play


def evaluate_cell(
    settings: EvaluateSettings, backbone: "Backbone", stored: "StoredAdaptation"
) -> list[Entry]:
    """Evaluation of an adaptation: an entry per row, checkpoint and episode."""
    cell = _Cell(settings, backbone, stored)
    for plays in progress(cell.groups, f"{settings.suite} evaluate", "model"):
        part = cell.part(plays)
        play(cell.how(plays[0].varied), part.backbone, part.plays, part.seeds)
    return cell.entries()


def evaluate_stack(
    cells: Sequence[tuple[EvaluateSettings, "Backbone", "StoredAdaptation"]],
) -> list[list[Entry]]:
    """Evaluation of several seeds of a cell, all backbones together; entries per seed.

    Settings differ in their seeds only. The entries of a seed do not depend on the others.
    """
    found = [_Cell(*cell) for cell in cells]
    for varied in (False, True):
        groups = [
            (cell, plays)
            for cell in found
            for plays in cell.groups
            if plays[0].varied == varied
        ]
        if groups:
            parts = [cell.part(plays) for cell, plays in groups]
            play_stack(found[0].how(varied), parts)
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
        run_seed, seed = settings.run_seed, settings.seed
        self.seeds = {
            task: evaluation_seeds(run_seed, suite.name, seed, task, settings.episodes)
            for task in {int(task) for task in stored.rows}
        }
        plays = {id(point.play): point.play for point in self.points}
        self.groups = _grouped(list(plays.values()))

    def how(self, varied: bool) -> PlaySettings:
        """How to play groups with or without varied starts."""
        chosen, suite = self.settings, get_suite(self.settings.suite)
        return PlaySettings(
            suite.with_varied_starts() if varied else suite,
            chosen.target_return,
            chosen.precision,
            chosen.engine,
            chosen.threads,
        )

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


def _grouped(plays: Sequence[Play]) -> list[list[Play]]:
    """Group plays by weights and starts; one model plays each group in one simulator."""
    groups: dict[tuple[int, bool], list[Play]] = {}
    for one in plays:
        groups.setdefault((id(one.weights), one.varied), []).append(one)
    return list(groups.values())


def to_csv(entries: Sequence[Entry]) -> str:
    """Format entries as CSV text, one line per episode."""
    return csv_text(EVALUATION_COLUMNS, entries)


Checkpoint = tuple[str, int, Segments | None, Weights]  # name, iteration, policy


def _checkpoints(
    settings: EvaluateSettings, suite: Suite, stored: "StoredAdaptation", row: int
) -> list[Iterate]:
    """Iterates of one row to report; equal prompts share one play.

    Points of a curve that show what a table shows, the initial, last or best prompt, have
    all of the table's episodes. The others have the first ones.
    """
    full, short = settings.episodes, settings.curve_episodes
    if suite.deterministic_resets:  # all episodes are equal
        full, short = min(full, 1), min(short, 1)

    def policy(prompts: Segments | None, weights: Weights, varied: bool = False) -> Play:
        prompt = None if prompts is None else prompts.select(row)
        return Play(int(stored.rows[row]), prompt, weights=weights, varied=varied)

    tuned = stored.weights.get(row)
    tabled = [policy(stored.last, tuned), policy(stored.best, tuned)]
    tabled.append(policy(stored.initial, None))
    plays: list[Play] = []
    points = []
    start = settings.curve_start if short else None
    for name, iteration, prompts, weights in _wanted(stored, row, start):
        one = _shared_play(plays, policy(prompts, weights))
        in_table = any(map(one.equals, tabled))
        one.episodes = max(one.episodes, full if in_table else short)
        points.append(Iterate(name, row, iteration, stored.queries(row, iteration), one))
    if settings.varied_starts and suite.start_shift:
        one = policy(stored.last, tuned, varied=True)
        one.episodes = settings.episodes
        last = stored.last_iteration
        points.append(Iterate(VARIED, row, last, stored.queries(row, last), one))
    return points


def _wanted(
    stored: "StoredAdaptation", row: int, start: float | None
) -> Iterator[Checkpoint]:
    """The checkpoints of a row, with its curve from a share ``start`` of the iterations.

    No curve without ``start``. With tuned weights, it begins with the backbone's.
    """
    last, tuned = stored.last_iteration, stored.weights.get(row)
    yield "last", last, stored.last, tuned
    yield "best", int(stored.best_iteration[row]), stored.best, tuned
    if start is None:
        return
    first = start * last
    for iteration, prompts in sorted(stored.curve.items()):
        if iteration >= first:
            yield "curve", iteration, prompts, tuned
    if stored.snapshots:
        kept = {n: found[row] for n, found in stored.snapshots.items()}
        for iteration, weights in sorted({0: None, **kept, last: tuned}.items()):
            used = stored.last if weights else stored.initial
            if iteration >= first:
                yield "curve", iteration, used, weights


def _shared_play(plays: list[Play], wanted: Play) -> Play:
    """The play of a row's ``plays`` that equals ``wanted``; if none does, append it."""
    found = next((one for one in plays if one.equals(wanted)), None)
    if found is None:
        plays.append(wanted)
    return found or wanted


def _entries(
    settings: EvaluateSettings, stored: "StoredAdaptation", point: Iterate
) -> Iterator[Entry]:
    one = point.play
    for episode in range(one.episodes):
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
