"""Learning of a teacher: its algorithm, its snapshots' returns, its medium policy."""

import numpy as np
import torch

from trajprompt.artifacts.checkpoint import Checkpoint
from trajprompt.collect.options import TEACHERS
from trajprompt.collect.ppo_teacher import PpoTeacher
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
from trajprompt.trajectories.episodes import TaskTrajectories


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
    learner: PpoTeacher | SacTeacher
    if settings.algorithm == "ppo":
        learner = PpoTeacher(simulator, options, length, settings.run_seed)
    else:
        device = str(resolve_device(settings.device))
        learner = SacTeacher(simulator, options, length, settings.run_seed, device)
    learner.run(checkpoint)
    means = []
    for done, policy in learner.snapshots:
        seed = stream(settings.run_seed, "teacher", settings.environment, "measure", done)
        played = returns(policy, suite, length.snapshot_episodes, seed, settings.threads)
        means.append(float(played.mean()))
        text = f"return {means[-1]:8.1f}, score {suite.shown(played).mean():5.1f}"
        print(f"{done:9d} steps: {text}")
    expert = expert_snapshot(suite, means, settings.expert_at_least)
    medium = medium_snapshot(suite, means, expert, length)
    snapshots = tuple(
        Snapshot(done, mean, policy)
        for (done, policy), mean in zip(learner.snapshots, means, strict=True)
    )
    attributes = {"algorithm": settings.algorithm, "seed": settings.run_seed}
    episodes = learner.recorder.trajectories(0, attributes)
    # Episodes that had ended when the medium policy was the current one.
    ends = episodes.behaviour_step + episodes.lengths * options.rows
    before = np.flatnonzero(ends <= snapshots[medium].steps)
    if not len(before):
        found = (
            f"no episode ended before the medium policy, at {snapshots[medium].steps} steps"
        )
        remedy = "raise medium_share, or lower the number of rows"
        raise TrajpromptError(where, found, "at least one", remedy)
    teacher = Teacher(settings.environment, snapshots, medium, expert)
    return teacher, episodes.select(before)
