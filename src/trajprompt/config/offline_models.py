"""Models of teachers, from which D4RL levels are made, and of offline algorithms."""

from typing import Annotated, Any

from pydantic import Field

from trajprompt.config.fields import LearnedKind, SomeSteps, Suite, TeacherAlgorithm
from trajprompt.config.strict_model import Model


class Teacher(Model):
    """Learner of a D4RL environment."""

    algorithm: TeacherAlgorithm
    options: dict[str, Any] = {}  # of the algorithm and its snapshots, collect/options.py
    expert_at_least: float | None = None  # D4RL score of the best policy; None: no check


class OfflineAlgorithm(Model):
    """A backbone that is learned from the data of one task."""

    kind: LearnedKind  # the name of a file of offline/algorithms, or cmt
    updates: SomeSteps = 1_000_000  # CORL
    options: dict[str, Any] = {}
    suite_options: dict[Suite, dict[str, Any]] = {}
    # Points of the learning curve, and the episodes that are played at each.
    curve_points: Annotated[int, Field(ge=1, le=1000)] = 10
    curve_episodes: Annotated[int, Field(ge=0, le=1000)] = 0
