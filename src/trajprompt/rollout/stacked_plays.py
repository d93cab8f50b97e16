"""Plays of many prompts of several backbones, all backbones together in few rollouts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trajprompt.progress import progress
from trajprompt.rollout.plays import LARGEST_BATCH, Play, PlaySettings, stack
from trajprompt.rollout.requests import Request, StackedPlayer

if TYPE_CHECKING:
    from trajprompt.models.backbone import Backbone

# Rows per rollout, of all backbones together. The window of a row takes 0.2 MB in bfloat16.
LARGEST_STACK = 4096


@dataclass(frozen=True)
class Part:
    """Plays of one backbone, and the resets of its tasks."""

    backbone: "Backbone"
    plays: Sequence[Play]
    seeds: Mapping[int, np.ndarray]  # resets by task


Job = tuple[Play, int]  # a play and the number of one of its episodes


def play_stack(settings: PlaySettings, parts: Sequence[Part]) -> None:
    """Play the episodes of all parts and add their results to the plays.

    A part's batches do not depend on the other parts; batches of several parts are played
    as one rollout.
    """
    batches = [(part, jobs) for part in parts for jobs in _batches(part.plays)]
    rollouts = list(_packed(batches))
    player = StackedPlayer(
        settings.suite, settings.target_return, settings.precision, settings.threads
    )
    for packed in progress(rollouts, f"{settings.suite.name} episodes", "rollout"):
        player.engines.clear()  # other backbones
        played = player([_request(part, jobs) for part, jobs in packed])
        for (_, jobs), episodes in zip(packed, played, strict=True):
            for index, (one, _) in enumerate(jobs):
                one.add(episodes, index)


def _batches(plays: Sequence[Play]) -> Iterator[list[Job]]:
    jobs = [(one, episode) for one in plays for episode in range(one.episodes)]
    for first in range(0, len(jobs), LARGEST_BATCH):
        yield jobs[first : first + LARGEST_BATCH]


def _packed(
    batches: Sequence[tuple[Part, list[Job]]],
) -> Iterator[list[tuple[Part, list[Job]]]]:
    """Batches of each rollout, in order, with up to LARGEST_STACK rows."""
    packed: list[tuple[Part, list[Job]]] = []
    for part, jobs in batches:
        rows = sum(len(others) for _, others in packed)
        if packed and rows + len(jobs) > LARGEST_STACK:
            yield packed
            packed = []
        packed.append((part, jobs))
    if packed:
        yield packed


def _request(part: Part, jobs: Sequence[Job]) -> Request:
    return Request(
        part.backbone,
        stack([one.prompt for one, _ in jobs]),
        np.array([one.task for one, _ in jobs]),
        np.array([part.seeds[one.task][episode] for one, episode in jobs]),
    )
