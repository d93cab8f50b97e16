"""Description and picture of a teacher's policies; only the safetensors header is read."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from trajprompt.collect.teacher_header import (
    REMEDY,
    TeacherHeader,
    read_teacher_header,
)
from trajprompt.errors import TrajpromptError
from trajprompt.inspection import text
from trajprompt.tasks.d4rl import ENVIRONMENTS
from trajprompt.tasks.registry import get_suite

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NOTE = (
    "score: D4RL's, 0 is random play and 100 D4RL's expert; the level medium is played by "
    "the policy medium, the level expert by the policy expert"
)


class Scores(NamedTuple):
    """A teacher's policies, in the order of learning."""

    steps: np.ndarray  # (P,)
    returns: np.ndarray  # (P,) means
    scores: np.ndarray  # (P,)
    marks: dict[str, int]  # level -> number of its policy


def scores_of(header: TeacherHeader, path: Path) -> Scores:
    """Scores of a teacher's policies; TrajpromptError for an unknown environment."""
    if header.environment not in ENVIRONMENTS:
        found = f"found environment {header.environment!r:.80}"
        expected = f"one of {', '.join(ENVIRONMENTS)}"
        raise TrajpromptError(f"{path}: metadata", found, expected, REMEDY)
    suite, returns = get_suite(f"{header.environment}-medium"), header.mean_returns
    marks = {"random": 0, "medium": header.medium, "expert": header.expert}
    means = np.array(returns, np.float64)
    return Scores(np.array(header.steps), means, suite.shown(means), marks)


def describe(path: Path) -> list[str]:
    """Sections that ``trajprompt inspect`` prints for a teacher."""
    header = read_teacher_header(path)
    found = scores_of(header, path)
    shown = {"mean_returns", "steps", "medium", "expert"}  # in the table
    others = {n: v for n, v in header.attributes.items() if n not in shown}
    return [
        text.section("attributes", text.attributes(others)),
        text.section("policies, in the order of learning", _policies(found)),
        text.section("arrays of policy 0", _arrays(header)),
    ]


def _policies(found: Scores) -> list[str]:
    rows = []
    for number, steps in enumerate(found.steps.tolist()):
        marks = (name for name, marked in found.marks.items() if marked == number)
        values = float(found.returns[number]), float(found.scores[number])
        rows.append((number, steps, *values, ", ".join(marks)))
    table = text.table(("policy", "steps", "mean return", "score", "level"), rows)
    return [*table, NOTE]


def _arrays(header: TeacherHeader) -> list[str]:
    rows = [
        (name, str(entry.shape), entry.dtype, math.prod(entry.shape))
        for name, entry in sorted(header.arrays(0).items())
    ]
    total = sum(values for *_, values in rows)
    lines = text.table(("name", "shape", "dtype", "values"), rows)
    return [*lines, f"{total:,} values in each of {len(header.steps)} policies"]


def draw(axis: "Axes", path: Path, colours: tuple[str, ...]) -> str:
    """Draw scores by steps, with the policies of levels marked; return a title."""
    header = read_teacher_header(path)
    found = scores_of(header, path)
    line, *others = colours
    axis.plot(found.steps, found.scores, "o-", ms=4, color=line)
    named = (name for name in found.marks if name != "random")
    for name, colour, marker in zip(named, others, ("s", "D"), strict=False):
        at = found.marks[name]
        place = found.steps[at], found.scores[at]
        label = f"{name}: score {place[1]:.1f} at {place[0]:,} steps"
        axis.plot(*place, marker, ms=10, mfc="none", mew=2, color=colour, label=label)
    axis.legend(fontsize="small")
    return f"teacher of {header.environment}: {len(found.steps)} policies"
