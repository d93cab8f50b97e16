"""Requests for episodes of a backbone, and the play of several requests as one rollout."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trajprompt.models.stacked_lockstep import Actor, Engines, StackedPolicy
from trajprompt.rollout.loop import Episodes, rollout
from trajprompt.tasks.registry import make_simulator
from trajprompt.tasks.simulator import Simulator
from trajprompt.tasks.suites import Suite

if TYPE_CHECKING:
    from trajprompt.models.backbone import Backbone
    from trajprompt.trajectories.segments import Segments


@dataclass(frozen=True)
class Request:
    """One episode per row, all of one backbone."""

    backbone: "Backbone"
    prompts: "Segments | None"  # (N, P, ..); None if the backbone takes no prompt
    tasks: np.ndarray  # (N,)
    resets: np.ndarray  # (N,) reset seeds


Player = Callable[[Request], Episodes]


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
