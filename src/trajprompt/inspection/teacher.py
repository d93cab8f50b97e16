"""Description and picture of a teacher's policies; only the safetensors header is read."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

from trajprompt.collect.teacher_header import TeacherHeader, read_teacher_header
from trajprompt.inspection import text
from trajprompt.report.numbers.learning import teacher_table
from trajprompt.report.plots.learning import draw_snapshots

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NOTE = (
    "score: D4RL's, 0 is random play and 100 D4RL's expert; the level medium is played by "
    "the policy medium, the level expert by the policy expert"
)


def describe(path: Path) -> list[str]:
    """Sections that ``trajprompt inspect`` prints for a teacher."""
    header = read_teacher_header(path)
    # In the table.
    shown = {"mean_returns", "mean_action_returns", "steps", "medium", "expert"}
    others = {n: v for n, v in header.attributes.items() if n not in shown}
    return [
        text.section("attributes", text.attributes(others)),
        text.section("policies, in the order of learning", _policies(path)),
        text.section("arrays of policy 0", _arrays(header)),
    ]


def _policies(path: Path) -> list[str]:
    found = teacher_table([path])
    names = ["steps", "return", "score", "mean_action_score", "level"]
    rows = list(found[names].itertuples(name=None))
    titles = ("policy", "steps", "mean return", "score", "of the mean action", "level")
    table = text.table(titles, rows)
    return [*table, NOTE]


def _arrays(header: TeacherHeader) -> list[str]:
    rows = [
        (name, str(entry.shape), entry.dtype, math.prod(entry.shape))
        for name, entry in sorted(header.arrays(0).items())
    ]
    total = sum(values for *_, values in rows)
    lines = text.table(("name", "shape", "dtype", "values"), rows)
    return [*lines, f"{total:,} values in each of {len(header.steps)} policies"]


def draw(axis: "Axes", path: Path) -> str:
    """Draw scores by steps, with the policies of levels marked; return a title."""
    return f"teacher of {draw_snapshots(axis, teacher_table([path]))}"
