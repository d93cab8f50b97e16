"""Evaluates every checkpoint of an adaptation and tabulates the episodes."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from trajprompt.progress import progress
from trajprompt.rollout.arms import Arm, PlaySettings, evaluation_seeds, play
from trajprompt.rollout.columns import EVALUATION_COLUMNS
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
class Checkpoint:
    """An arm under the name by which it is reported."""

    name: str  # last, best or curve
    row: int
    iteration: int
    queries: int
    arm: Arm
    episodes: int


def evaluate_cell(
    settings: EvaluateSettings, backbone: "Backbone", stored: "StoredAdaptation"
) -> list[Entry]:
    """One entry of EVALUATION_COLUMNS per row, checkpoint and episode."""
    suite, rows = get_suite(settings.suite), range(len(stored.rows))
    points = [_checkpoints(settings, suite, stored, row) for row in rows]
    arms = list({id(p.arm): p.arm for own in points for p in own}.values())
    how = PlaySettings(suite, settings.target_return, settings.precision, settings.threads)
    names = (settings.run_seed, settings.suite, settings.seed)
    tasks = {int(task) for task in stored.rows}
    seeds = {task: evaluation_seeds(*names, task, settings.episodes) for task in tasks}
    for group in progress(_by_weights(arms), f"{settings.suite} evaluate", "model"):
        weights = group[0].weights
        model = backbone if weights is None else backbone.with_weights(weights)
        play(how, model, group, seeds)
    return [
        entry
        for own in points
        for point in own
        for entry in _entries(settings, stored, point)
    ]


def _by_weights(arms: Sequence[Arm]) -> list[list[Arm]]:
    """Arms that one model plays together."""
    groups: dict[int, list[Arm]] = {}
    for arm in arms:
        groups.setdefault(id(arm.weights), []).append(arm)
    return list(groups.values())


def to_csv(entries: Sequence[Entry]) -> str:
    """CSV text; floats in their shortest exact form."""
    text = io.StringIO()
    writer = csv.DictWriter(text, EVALUATION_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(entries)
    return text.getvalue()


def _checkpoints(
    settings: EvaluateSettings, suite: Suite, stored: "StoredAdaptation", row: int
) -> list[Checkpoint]:
    """What to report of a row. Equal prompts share one arm and are played once.

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
    arms: list[Arm] = []
    points = []
    for name, iteration, prompts, weights, episodes in wanted:
        if episodes == 0:
            continue
        prompt = None if prompts is None else prompts.select(row)
        arm = _arm(arms, Arm(int(stored.rows[row]), prompt, weights=weights))
        arm.episodes = max(arm.episodes, episodes)
        queries = stored.queries(row, iteration)
        points.append(Checkpoint(name, row, iteration, queries, arm, episodes))
    return points


def _arm(known: list[Arm], wanted: Arm) -> Arm:
    """The one of a row's ``known`` arms that plays alike, or ``wanted``, added there."""
    for arm in known:
        if arm.weights is not wanted.weights:
            continue
        if wanted.prompt is None or arm.prompt is None:
            return arm  # a row has prompts throughout, or none
        if all(torch.equal(a, b) for a, b in zip(wanted.prompt, arm.prompt, strict=True)):
            return arm
    known.append(wanted)
    return known[-1]


def _entries(
    settings: EvaluateSettings, stored: "StoredAdaptation", point: Checkpoint
) -> Iterator[Entry]:
    arm = point.arm
    for episode in range(point.episodes):
        yield {
            "suite": settings.suite,
            "setting": settings.setting,
            "method": settings.method,
            "seed": settings.seed,
            "task": arm.task,
            "prompt": int(stored.prompts[point.row]),
            "episode": episode,
            "checkpoint": point.name,
            "iteration": point.iteration,
            "queries": point.queries,
            "return": arm.returns[episode],
            "length": arm.lengths[episode],
            "success": int(arm.successes[episode]),
        }
