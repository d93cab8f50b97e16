"""Learning of a teacher: its algorithm, its snapshots' returns, its medium policy."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol

import numpy as np
import torch

from trajprompt.artifacts.checkpoint import Checkpoint, Resumable
from trajprompt.collect.mlp_policy import MlpPolicy
from trajprompt.collect.options import TEACHERS
from trajprompt.collect.ppo_teacher import PpoTeacher
from trajprompt.collect.recorder import BufferRecorder
from trajprompt.collect.sac_teacher import SacTeacher
from trajprompt.collect.sampled_play import returns
from trajprompt.collect.teacher import (
    Snapshot,
    Teacher,
    expert_snapshot,
    medium_snapshot,
)
from trajprompt.errors import TrajpromptError
from trajprompt.numerics.device import resolve_device
from trajprompt.seeds import stream
from trajprompt.settings.options import parse_together
from trajprompt.settings.stages import TeachSettings
from trajprompt.tasks.registry import get_suite, make_simulator
from trajprompt.tasks.suites import Suite
from trajprompt.trajectories.episodes import TaskTrajectories

# Returns (2, episodes) of a snapshot, sampled and by its mean action, given its number of
# steps and its policy.
Measure = Callable[[int, MlpPolicy], np.ndarray]


class Learner(Resumable, Protocol):
    """A learner that records its episodes and keeps snapshots of its policy.

    It keeps one before each ``period``-th call of ``advance`` and one after the last call.
    """

    total: int  # calls of `advance`
    period: int
    snapshots: list[tuple[int, MlpPolicy]]  # (control steps done before, policy)

    @property
    def recorder(self) -> BufferRecorder: ...

    def advance(self, now: int, /) -> None: ...


class Teaching:
    """Learning, then measuring (`checkpoint.Resumable`): one loop, so one checkpoint.

    A step advances the learner, or plays one of its snapshots.
    """

    def __init__(self, learner: Learner, measure: Measure):
        self.learner, self.measure = learner, measure
        self.returns: list[np.ndarray] = []  # (2, episodes) of each measured snapshot

    def run(self, checkpoint: Checkpoint) -> None:
        """Learn, and measure all snapshots, from where the checkpoint ends."""
        learning = self.learner.total
        snapshots = -(-learning // self.learner.period) + 1
        for step in checkpoint.steps(learning + snapshots, self, "teacher"):
            if step < learning:
                self.learner.advance(step)
            else:
                number = step - learning
                checkpoint.show(f"measures policy {number + 1} of {snapshots}")
                self.returns.append(self.measure(*self.learner.snapshots[number]))

    def state(self) -> dict[str, Any]:
        return {"learner": self.learner.state(), "returns": np.array(self.returns)}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.learner.restore(state["learner"])
        self.returns = [*np.array(state["returns"])]


def teach(
    settings: TeachSettings, checkpoint: Checkpoint
) -> tuple[Teacher, TaskTrajectories]:
    """Train a teacher; return it, and its episodes up to the medium policy."""
    torch.set_num_threads(1)
    where = f"teachers.{settings.environment}"
    if settings.algorithm not in TEACHERS:
        found, expected = f"found {settings.algorithm}", f"one of {', '.join(TEACHERS)}"
        raise TrajpromptError(f"{where}.algorithm", found, expected, "choose one of these")
    kinds = TEACHERS[settings.algorithm]
    options, length = parse_together(kinds, settings.options, f"{where}.options")
    suite = get_suite(f"{settings.environment}-medium-replay")
    tasks = np.zeros(options.rows, np.int64)
    simulator = make_simulator(suite, tasks, settings.threads)
    learner: Learner
    if settings.algorithm == "ppo":
        learner = PpoTeacher(simulator, options, length, settings.run_seed)
    else:
        device = str(resolve_device(settings.device))
        learner = SacTeacher(simulator, options, length, settings.run_seed, device)
    teaching = Teaching(
        learner, partial(_played, settings, suite, length.snapshot_episodes)
    )
    teaching.run(checkpoint)
    snapshots = tuple(
        Snapshot(done, float(sampled.mean()), float(mean_action.mean()), policy)
        for (done, policy), (sampled, mean_action) in zip(
            learner.snapshots, teaching.returns, strict=True
        )
    )
    means = [one.mean_return for one in snapshots]
    mean_action_means = [one.mean_action_return for one in snapshots]
    scores = suite.shown(np.array([means, mean_action_means])).T
    for one, (score, mean_action) in zip(snapshots, scores, strict=True):
        text = f"score {score:5.1f}, of the mean action {mean_action:5.1f}"
        print(f"{one.steps:9d} steps: return {one.mean_return:8.1f}, {text}")
    expert = expert_snapshot(suite, means, mean_action_means, settings.expert_at_least)
    medium = medium_snapshot(suite, means, expert, length)
    attributes = {"algorithm": settings.algorithm, "seed": settings.run_seed}
    episodes = learner.recorder.trajectories(0, attributes)
    before = ended_by(episodes, options.rows, snapshots[medium].steps)
    if not len(before):
        found = (
            f"no episode ended before the medium policy, at {snapshots[medium].steps} steps"
        )
        remedy = "raise medium_share, or lower the number of rows"
        raise TrajpromptError(where, found, "at least one", remedy)
    teacher = Teacher(settings.environment, snapshots, medium, expert)
    return teacher, episodes.select(before)


def ended_by(episodes: TaskTrajectories, rows: int, steps: int) -> np.ndarray:
    """Numbers (B,) of the episodes whose last step is among the first ``steps``.

    ``steps`` counts those of all ``rows`` rows, which move together: an episode of L steps
    ends L x ``rows`` steps after its ``behaviour_step``.
    """
    ends = episodes.behaviour_step + episodes.lengths * rows
    return np.flatnonzero(ends <= steps)


def _played(
    settings: TeachSettings, suite: Suite, episodes: int, steps: int, policy: MlpPolicy
) -> np.ndarray:
    """Returns (2, episodes) of a snapshot, sampled and by its mean action.

    Raises TrajpromptError if they are not finite.
    """
    seed = stream(settings.run_seed, "teacher", settings.environment, "measure", steps)
    played = np.stack(
        [
            returns(policy, suite, episodes, seed, settings.threads, sampled=sampled)
            for sampled in (True, False)
        ]
    )
    if not np.isfinite(played).all():
        found = f"found a return of {played[~np.isfinite(played)][0]} at {steps} steps"
        remedy = "lower learning_rate, or change run_seed"
        where = f"teachers.{settings.environment}"
        raise TrajpromptError(where, found, "finite returns of every snapshot", remedy)
    return played
