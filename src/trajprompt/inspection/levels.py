"""Quality levels of a trajectory store: their returns, and episodes that ended early."""

from collections.abc import Sequence

import numpy as np

from trajprompt.inspection import text
from trajprompt.trajectories.episodes import QUALITIES, level_episodes

Episodes = tuple[np.ndarray, np.ndarray]  # (E,) returns and lengths of a task

DEMONSTRATIONS = 5  # episodes of a level that the authors of PTDT store
NOTE = (
    "expert, medium, random: the last, middle, first episodes. ended early: before the "
    "longest episode's length; on the ants, falls"
)


def level_table(tasks: Sequence[Episodes]) -> list[str]:
    """Lines of a table: a few and a third of every task's episodes, for each level."""
    longest = max(int(lengths.max()) for _, lengths in tasks)
    rows = []
    for label, few in ((f"{DEMONSTRATIONS} per task", True), ("a third", False)):
        for level in QUALITIES:
            returns, lengths = _of_level(tasks, level, few)
            early = f"{(lengths < longest).mean():.1%}"
            rows.append((level, label, len(returns), *text.statistics(returns), early))
    header = ("level", "episodes", "in all", *text.STATISTICS, "ended early")
    return [*text.table(header, rows), NOTE]


def _of_level(tasks: Sequence[Episodes], level: str, few: bool) -> Episodes:
    """Returns and lengths of a level's episodes of all tasks."""
    found = []
    for returns, lengths in tasks:
        available = len(returns)
        count = min(DEMONSTRATIONS, available) if few else max(1, available // 3)
        chosen = level_episodes(level, count, available)
        found.append((returns[chosen], lengths[chosen]))
    returns, lengths = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return returns, lengths
