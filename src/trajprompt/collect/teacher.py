"""Teachers of the D4RL suites: one learner per environment, with snapshots of its policy.

A teacher has two files: its policies (safetensors), and every step that it learned from up
to its medium policy (a trajectory store). The levels of data are made from them
(levels.py).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trajprompt.artifacts.atomic import atomic_path, require_file
from trajprompt.artifacts.provenance import SCHEMA_VERSION
from trajprompt.collect.mlp_policy import MlpPolicy
from trajprompt.collect.options import TeacherOptions
from trajprompt.collect.teacher_header import KIND, METADATA, REMEDY, read_teacher_header
from trajprompt.errors import TrajpromptError
from trajprompt.tasks.suites import Suite

OTHER = "give the teacher of this environment with --teacher"


@dataclass(frozen=True)
class Snapshot:
    """A policy of the learner, and its mean returns over some episodes."""

    steps: int  # control steps that the learner had done
    mean_return: float  # of the sampled policy
    mean_action_return: float  # of its mean action
    policy: MlpPolicy


@dataclass(frozen=True)
class Teacher:
    """Snapshots in the order of learning; the first is untrained."""

    environment: str
    snapshots: tuple[Snapshot, ...]
    medium: int  # number of the medium snapshot
    expert: int  # number of the expert

    def policy(self, level: str) -> MlpPolicy:
        """Policy of the level ``random``, ``medium`` or ``expert``."""
        numbers = {"random": 0, "medium": self.medium, "expert": self.expert}
        return self.snapshots[numbers[level]].policy


def expert_snapshot(
    suite: Suite,
    returns: Sequence[float],
    mean_action_returns: Sequence[float],
    lowest: float | None,
) -> int:
    """Number of the trained snapshot that is best both sampled and by its mean action.

    That is the one whose lower mean return of the two is highest. Data are sampled, but
    policies that learn from them act by their mean, and some policies of PPO work only with
    their noise. The last snapshot may be worse: PPO's returns vary late in learning. Raises
    TrajpromptError if the D4RL score of the lower return is below ``lowest``.
    """
    lower = np.minimum(returns, mean_action_returns)
    number = 1 + int(np.argmax(lower[1:]))
    found = float(suite.shown(lower[number]))
    if lowest is not None and not found >= lowest:
        where = f"teachers.{suite.environment}.expert_at_least"
        remedy = "let it learn longer (steps), or change run_seed or this key"
        text = f"the best policy has a score of {found:.1f}"
        raise TrajpromptError(where, text, f"at least {lowest}", remedy)
    return number


def medium_snapshot(
    suite: Suite, returns: Sequence[float], expert: int, options: TeacherOptions
) -> int:
    """Number of the snapshot that is nearest to ``medium_share`` of the expert's score.

    Candidates are trained, and not later than the first one with this share: the policy is
    stopped early. Raises TrajpromptError if its share of the expert's score is out of the
    range from ``medium_at_least`` to ``medium_at_most``. An expert without a positive score
    has no shares: it is an error, too, unless ``medium_at_least`` is 0.
    """
    where = f"teachers.{suite.environment}: medium policy"
    scores = suite.shown(np.array(returns))
    highest = float(scores[expert])
    if highest <= 0 and options.medium_at_least > 0:
        found = f"the expert has a score of {highest:.1f}"
        expected = "a positive score, of which the medium policy has a share"
        remedy = "let it learn longer (steps), or set medium_at_least to 0"
        raise TrajpromptError(where, found, expected, remedy)
    wanted = options.medium_share * highest
    first = 1 + int(np.argmax(scores[1 : expert + 1] >= wanted))
    number = 1 + int(np.argmin(np.abs(scores[1 : first + 1] - wanted)))
    low, high = options.medium_at_least * highest, options.medium_at_most * highest
    if highest > 0 and not low <= scores[number] <= high:
        found = f"found a score of {scores[number]:.1f} at snapshot {number} of {expert}"
        expected = f"{low:.1f} to {high:.1f}, as the expert has {highest:.1f}"
        remedy = "lower snapshot_every, or change medium_share or its bounds"
        raise TrajpromptError(where, found, expected, remedy)
    return number


def save_teacher(path: str | Path, teacher: Teacher, attributes: Mapping[str, Any]) -> None:
    """Write the policies, and all else as metadata."""
    from safetensors.numpy import save_file

    arrays = {
        f"{number:04d}.{name}": np.array(array, np.float32, order="C")
        for number, snapshot in enumerate(teacher.snapshots)
        for name, array in snapshot.policy.arrays().items()
    }
    described = {
        **attributes,
        "schema_version": SCHEMA_VERSION,
        "kind": KIND,
        "environment": teacher.environment,
        "medium": teacher.medium,
        "expert": teacher.expert,
        "steps": [one.steps for one in teacher.snapshots],
        "mean_returns": [one.mean_return for one in teacher.snapshots],
        "mean_action_returns": [one.mean_action_return for one in teacher.snapshots],
    }
    with atomic_path(path) as temporary:
        save_file(arrays, temporary, {METADATA: json.dumps(described, sort_keys=True)})


def load_teacher(path: str | Path, suite: Suite) -> Teacher:
    """Read the teacher of a suite's environment; TrajpromptError if the file is damaged."""
    from safetensors import SafetensorError, safe_open

    path = require_file(path, "trajprompt teach")
    header = read_teacher_header(path)
    if header.environment != suite.environment:
        found = f"found environment {header.environment!r:.80}"
        raise TrajpromptError(path, found, f"environment {suite.environment!r}", OTHER)
    try:
        with safe_open(path, framework="numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, TypeError) as error:
        text, expected = f"damaged ({error})", "a complete safetensors file"
        raise TrajpromptError(path, text, expected, REMEDY) from error
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            found = f"found {np.sum(~np.isfinite(array))} values that are not finite"
            raise TrajpromptError(f"{path}: {name:.80}", found, "finite values", REMEDY)
    snapshots = []
    described = zip(
        header.steps, header.mean_returns, header.mean_action_returns, strict=True
    )
    for number, (steps, sampled, mean_action) in enumerate(described):
        of_policy = {part: arrays[f"{number:04d}.{part}"] for part in header.arrays(number)}
        policy = MlpPolicy.from_arrays(of_policy, f"{path}: policy {number}")
        policy.check(suite.state_dim, suite.action_dim, f"{path}: policy {number}")
        snapshots.append(Snapshot(steps, float(sampled), float(mean_action), policy))
    return Teacher(header.environment, tuple(snapshots), header.medium, header.expert)
