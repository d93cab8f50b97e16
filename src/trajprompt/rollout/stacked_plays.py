"""Plays of many prompts of several backbones, all backbones together in few rollouts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trajprompt.models.stacked_lockstep import Actor, Engines, StackedPolicy
from trajprompt.progress import progress
from trajprompt.rollout.loop import Episodes, rollout
from trajprompt.rollout.plays import LARGEST_BATCH, Play, PlaySettings, play, stack
from trajprompt.rollout.requests import Request
from trajprompt.tasks.registry import make_simulator
from trajprompt.tasks.simulator import Simulator
from trajprompt.tasks.suites import Suite

if TYPE_CHECKING:
    from trajprompt.models.backbone import Backbone

# Rows per rollout, of all backbones together. The window of a row takes 0.2 MB in bfloat16.
LARGEST_STACK = 4096


class StackedPlayer:
    """Play of requests of one suite; simulators and CUDA graphs are built once per shape.

    The episodes of a request do not depend on the other requests (`StackedPolicy`).
    """

    def __init__(
        self, suite: Suite, target_return: float, precision: str, threads: int = 1
    ):
        self.suite, self.target_return = suite, target_return
        self.precision, self.threads = precision, threads
        self.engines: Engines = {}
        self.simulators: dict[bytes, Simulator] = {}  # by the tasks of their rows

    def __call__(self, requests: Sequence[Request]) -> list[Episodes]:
        """Play all requests in one rollout; return the episodes of each."""
        actors = [
            Actor(one.backbone, one.prompts, len(one.tasks), self.target_return)
            for one in requests
        ]
        policy = StackedPolicy(actors, self.precision, engines=self.engines)
        simulator = self._simulator(np.concatenate([one.tasks for one in requests]))
        resets = np.concatenate([one.resets for one in requests])
        played = rollout(simulator, policy, resets)
        ends = np.cumsum([actor.rows for actor in actors])[:-1]
        columns = played.returns, played.lengths, played.successes
        parts = [np.split(column, ends) for column in columns]
        return [Episodes(*part) for part in zip(*parts, strict=True)]

    def one(self, request: Request) -> Episodes:
        """Play one request (a `Player`)."""
        return self([request])[0]

    def _simulator(self, tasks: np.ndarray) -> Simulator:
        key = tasks.tobytes()
        if key not in self.simulators:
            self.simulators[key] = make_simulator(self.suite, tasks, self.threads)
        return self.simulators[key]


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
    if parts[0].backbone.family != "prompt":  # the others are not stacked
        for part in parts:
            play(settings, part.backbone, part.plays, part.seeds)
        return
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
