"""Plays of many prompts of many tasks from given resets, in few rollouts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch

from trajprompt.models.cmt.player import CmtPlayer
from trajprompt.models.lockstep import LockstepPolicy
from trajprompt.models.state_policy import StatePolicyPlayer
from trajprompt.progress import progress
from trajprompt.rollout.loop import Episodes, Policy, rollout
from trajprompt.seeds import integers, stream
from trajprompt.tasks.registry import make_simulator
from trajprompt.tasks.suites import Suite
from trajprompt.trajectories.segments import Segments

if TYPE_CHECKING:
    from torch import Tensor

    from trajprompt.models.backbone import Backbone

# Simulator rows per rollout. More rows are not faster and need more memory.
LARGEST_BATCH = 256


@dataclass
class Play:
    """A prompt (or None) of a task, played from the task's first ``episodes`` resets."""

    task: int
    prompt: Segments | None  # (P, ..)
    episodes: int = 0
    varied: bool = False  # from `Suite.with_varied_starts`
    returns: list[float] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    successes: list[bool] = field(default_factory=list)
    weights: "dict[str, Tensor] | None" = None  # for `Backbone.with_weights`, if tuned

    def add(self, played: Episodes, row: int) -> None:
        """Add the result of a row of a rollout."""
        self.returns.append(float(played.returns[row]))
        self.lengths.append(int(played.lengths[row]))
        self.successes.append(bool(played.successes[row]))

    def equals(self, other: "Play") -> bool:
        """True if both have the same policy, task and starts."""
        if self.weights is not other.weights or self.task != other.task:
            return False
        if self.varied != other.varied or (self.prompt is None) != (other.prompt is None):
            return False
        pairs = zip(self.prompt or (), other.prompt or (), strict=True)
        return all(torch.equal(a, b) for a, b in pairs)


@dataclass(frozen=True)
class PlaySettings:
    suite: Suite
    target_return: float  # reward units
    precision: str
    engine: str
    threads: int


def evaluation_seeds(
    run_seed: int, suite: str, seed: int, task: int, count: int
) -> np.ndarray:
    """Reset seeds (count,), common to all methods and conditions.

    They are even and tuning's are odd: no method is evaluated on a reset it was tuned on.
    Where all resets of a suite are equal, the tuned episode is the evaluated one; only
    varied starts differ from it.
    """
    return integers(stream(run_seed, "evaluate", suite, seed, task), count) & ~1


def play(
    settings: PlaySettings,
    backbone: "Backbone",
    plays: Sequence[Play],
    seeds: Mapping[int, np.ndarray],
) -> None:
    """Play the episodes of ``plays`` and add their results; ``seeds``: resets by task.

    An episode has equal bits whatever else is played with it: tested on CPUs with AVX-512,
    for both engines, though their libraries do not promise it.
    """
    jobs = [(one, episode) for one in plays for episode in range(one.episodes)]
    starts = range(0, len(jobs), LARGEST_BATCH)
    for first in progress(starts, f"{settings.suite.name} episodes", "rollout"):
        part = jobs[first : first + LARGEST_BATCH]
        tasks = np.array([one.task for one, _ in part])
        prompts = stack([one.prompt for one, _ in part])
        policy = make_policy(settings, backbone, prompts, len(part))
        simulator = make_simulator(settings.suite, tasks, settings.threads)
        resets = np.array([seeds[one.task][episode] for one, episode in part])
        played = rollout(simulator, policy, resets)
        for index, (one, _) in enumerate(part):
            one.add(played, index)


def make_policy(
    settings: PlaySettings, backbone: "Backbone", prompts: Segments | None, rows: int
) -> Policy:
    """The policy of a backbone in ``rows`` episodes."""
    statistics = backbone.normaliser.mean, backbone.normaliser.std
    if backbone.family == "state":
        return StatePolicyPlayer(backbone.model, *statistics)
    if backbone.family == "history":
        return CmtPlayer(backbone.model, *statistics, rows)
    return LockstepPolicy(
        backbone,
        prompts,
        rows=rows,
        target_return=settings.target_return,
        precision=settings.precision,
        threads=settings.threads,
        engine=settings.engine,
    )


def stack(prompts: Sequence[Segments | None]) -> Segments | None:
    """Stack prompts to (N, P, ..); None for backbones that take no prompt."""
    given = [prompt for prompt in prompts if prompt is not None]
    return Segments(*map(torch.stack, zip(*given, strict=True))) if given else None
