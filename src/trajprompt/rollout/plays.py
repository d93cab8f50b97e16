"""Plays of many prompts of many tasks from given resets, in few rollouts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch

from trajprompt.models.lockstep import LockstepPolicy
from trajprompt.progress import progress
from trajprompt.rollout.loop import Episodes, rollout
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
    returns: list[float] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    successes: list[bool] = field(default_factory=list)
    weights: "dict[str, Tensor] | None" = None  # for `Backbone.with_weights`, if tuned

    def add(self, played: Episodes, row: int) -> None:
        """Add the result of a row of a rollout."""
        self.returns.append(float(played.returns[row]))
        self.lengths.append(int(played.lengths[row]))
        self.successes.append(bool(played.successes[row]))


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
    """Reset seeds (count,), common to all methods and conditions: comparisons are paired.

    They are even and tuning's are odd: no method is evaluated on a reset that it was tuned
    on. Except on suites with `deterministic_resets`: there, all resets of a task are
    equal, and a search by episode return looks at the evaluated episode itself.
    """
    return integers(stream(run_seed, "evaluate", suite, seed, task), count) & ~1


def play(
    settings: PlaySettings,
    backbone: "Backbone",
    plays: Sequence[Play],
    seeds: Mapping[int, np.ndarray],
) -> None:
    """Play the episodes of ``plays`` and add their results; ``seeds``: resets by task."""
    jobs = [(one, episode) for one in plays for episode in range(one.episodes)]
    starts = range(0, len(jobs), LARGEST_BATCH)
    for first in progress(starts, f"{settings.suite.name} episodes", "rollout"):
        part = jobs[first : first + LARGEST_BATCH]
        tasks = np.array([one.task for one, _ in part])
        policy = LockstepPolicy(
            backbone,
            stack([one.prompt for one, _ in part]),
            rows=len(part),
            target_return=settings.target_return,
            precision=settings.precision,
            threads=settings.threads,
            engine=settings.engine,
        )
        simulator = make_simulator(settings.suite, tasks, settings.threads)
        resets = np.array([seeds[one.task][episode] for one, episode in part])
        played = rollout(simulator, policy, resets)
        for index, (one, _) in enumerate(part):
            one.add(played, index)


def stack(prompts: Sequence[Segments | None]) -> Segments | None:
    """Stack prompts to (N, P, ..); None for backbones that take no prompt."""
    given = [prompt for prompt in prompts if prompt is not None]
    return Segments(*map(torch.stack, zip(*given, strict=True))) if given else None
