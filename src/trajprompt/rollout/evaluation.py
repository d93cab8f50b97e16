"""Evaluates every checkpoint of an adaptation and tabulates the episodes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from trajprompt.artifacts.csv_files import csv_text
from trajprompt.progress import progress
from trajprompt.rollout.columns import EVALUATION_COLUMNS
from trajprompt.rollout.plays import Play, PlaySettings, evaluation_seeds, play
from trajprompt.settings.stages import EvaluateSettings
from trajprompt.tasks.registry import get_suite
from trajprompt.tasks.suites import Suite
from trajprompt.trajectories.segments import Segments

if TYPE_CHECKING:
    from trajprompt.adaptations.read import StoredAdaptation
    from trajprompt.models.backbone import Backbone

Entry = dict[str, object]
Weights = dict[str, torch.Tensor] | None  # tuned ones of a row


@dataclass(frozen=True)
class Iterate:
    """A play under the name by which it is reported."""

    name: str  # last, best or curve
    row: int
    iteration: int
    queries: int
    play: Play
    episodes: int


def evaluate_cell(
    settings: EvaluateSettings, backbone: "Backbone", stored: "StoredAdaptation"
) -> list[Entry]:
    """One entry of EVALUATION_COLUMNS per row, checkpoint and episode."""
    suite, rows = get_suite(settings.suite), range(len(stored.rows))
    points = [_checkpoints(settings, suite, stored, row) for row in rows]
    plays = list({id(p.play): p.play for own in points for p in own}.values())
    how = PlaySettings(suite, settings.target_return, settings.precision, settings.threads)
    run_seed, seed = settings.run_seed, settings.seed
    seeds = {
        task: evaluation_seeds(run_seed, suite.name, seed, task, settings.episodes)
        for task in {int(task) for task in stored.rows}
    }
    for group in progress(_by_weights(plays), f"{settings.suite} evaluate", "model"):
        weights = group[0].weights
        model = backbone if weights is None else backbone.with_weights(weights)
        play(how, model, group, seeds)
    return [
        entry
        for own in points
        for point in own
        for entry in _entries(settings, stored, point)
    ]


def _by_weights(plays: Sequence[Play]) -> list[list[Play]]:
    """Plays that one model plays together."""
    groups: dict[int, list[Play]] = {}
    for one in plays:
        groups.setdefault(id(one.weights), []).append(one)
    return list(groups.values())


def to_csv(entries: Sequence[Entry]) -> str:
    """CSV text, one line per episode."""
    return csv_text(EVALUATION_COLUMNS, entries)


def _checkpoints(
    settings: EvaluateSettings, suite: Suite, stored: "StoredAdaptation", row: int
) -> list[Iterate]:
    """What to report of a row. Equal prompts share one play.

    Where weights were tuned, a curve begins with the backbone's own.
    """
    full, short = settings.episodes, min(settings.curve_episodes, settings.episodes)
    if suite.deterministic_resets:  # one episode says all
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
            wanted.append(("curve", iteration, stored.last, weights, short))
    plays: list[Play] = []
    points = []
    for name, iteration, prompts, weights, episodes in wanted:
        if episodes == 0:
            continue
        prompt = None if prompts is None else prompts.select(row)
        one = _known_play(plays, Play(int(stored.rows[row]), prompt, weights=weights))
        one.episodes = max(one.episodes, episodes)
        queries = stored.queries(row, iteration)
        points.append(Iterate(name, row, iteration, queries, one, episodes))
    return points


def _known_play(known: list[Play], wanted: Play) -> Play:
    """The one of a row's ``known`` plays that plays alike, or ``wanted``, added there."""
    for one in known:
        if one.weights is not wanted.weights:
            continue
        if wanted.prompt is None or one.prompt is None:
            return one  # a row has prompts throughout, or none
        if all(torch.equal(a, b) for a, b in zip(wanted.prompt, one.prompt, strict=True)):
            return one
    known.append(wanted)
    return known[-1]


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
