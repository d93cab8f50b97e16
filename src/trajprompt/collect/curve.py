"""The learning curve of a collection, and whether its experts learned."""

from collections.abc import Sequence

import numpy as np

from trajprompt.errors import TrajpromptError
from trajprompt.trajectories.episodes import TaskTrajectories

POINTS = 15  # rows of the printed table
COLUMNS = (
    "environment_steps_per_task",
    "mean_return",
    "worst_task_return",
    "best_task_return",
    "mean_length",
)


def learning_curve(tasks: Sequence[TaskTrajectories]) -> np.ndarray:
    """(P, 5) `COLUMNS`: episodes of each task in P equal parts of time, then over tasks.

    Tasks need not have equally many episodes; part p of a task is its p-th share.
    """
    points = min(POINTS, min(task.num_episodes for task in tasks))
    rows = []
    for part in range(points):
        shares = [np.array_split(np.arange(t.num_episodes), points)[part] for t in tasks]
        pairs = list(zip(tasks, shares, strict=True))
        returns = [task.returns[share].mean() for task, share in pairs]
        lengths = [task.lengths[share].mean() for task, share in pairs]
        steps = np.mean([task.episode_ends[share[-1]] for task, share in pairs])
        rows.append([steps, np.mean(returns), min(returns), max(returns), np.mean(lengths)])
    return np.array(rows)


def curve_table(curve: np.ndarray) -> str:
    """The curve as lines of text."""
    lines = ["steps/task  mean return  worst task  best task  length"]
    lines += [
        f"{steps:10.0f}  {mean:11.1f}  {worst:10.1f}  {best:9.1f}  {length:6.1f}"
        for steps, mean, worst, best, length in curve
    ]
    return "\n".join(lines)


def first_and_last(tasks: Sequence[TaskTrajectories], episodes: int) -> tuple[float, float]:
    """Mean return of the first and of the last ``episodes`` per task, over tasks."""
    levels = ("random", "expert")
    first, last = (
        np.mean([task.quality(level, episodes).returns.mean() for task in tasks])
        for level in levels
    )
    return float(first), float(last)


def check_learned(
    tasks: Sequence[TaskTrajectories],
    episodes: int,
    expert_at_least: float | None,
    random_at_most: float | None,
    where: str,
) -> None:
    """Raise unless the buffers go from bad to good; a threshold of None checks nothing.

    Every later stage takes its expert demonstrations from the end of the buffers and its
    random ones from the start, so a suite that did not learn would fail quietly there.
    """
    first, last = first_and_last(tasks, episodes)
    remedy = "collect more, change the seed, or lower the threshold in the config"
    if expert_at_least is not None and not last >= expert_at_least:
        found = f"the last {episodes} episodes per task return {last:.1f} on average"
        raise TrajpromptError(
            f"{where}.expert_at_least", found, str(expert_at_least), remedy
        )
    if random_at_most is not None and not first <= random_at_most:
        found = f"the first {episodes} episodes per task return {first:.1f} on average"
        raise TrajpromptError(f"{where}.random_at_most", found, str(random_at_most), remedy)
