"""Learning curve of a collection, and the check that its agents learned."""

from collections.abc import Sequence

import numpy as np

from trajprompt.errors import TrajpromptError
from trajprompt.tasks.suites import Suite
from trajprompt.trajectories.episodes import TaskEpisodes

POINTS = 15  # rows of the printed table
COLUMNS = (
    "environment_steps_per_task",
    "mean_return",
    "worst_task_return",
    "best_task_return",
    "mean_length",
)


def learning_curve(tasks: Sequence[TaskEpisodes]) -> np.ndarray:
    """Learning curve (P, 5) with `COLUMNS`.

    The episodes of each task are split into P parts, in time order. Row p summarises
    part p over all tasks. Tasks may differ in their number of episodes.
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
    """Learning curve (P, 5) as a text table."""
    lines = ["steps/task  mean return  worst task  best task  length"]
    lines += [
        f"{steps:10.0f}  {mean:11.1f}  {worst:10.1f}  {best:9.1f}  {length:6.1f}"
        for steps, mean, worst, best, length in curve
    ]
    return "\n".join(lines)


def first_and_last(tasks: Sequence[TaskEpisodes], episodes: int) -> tuple[float, float]:
    """Mean return of the first and of the last ``episodes`` of each task, over tasks."""
    levels = ("random", "expert")
    first, last = (
        np.mean([task.quality(level, episodes).returns.mean() for task in tasks])
        for level in levels
    )
    return float(first), float(last)


def check_learned(
    tasks: Sequence[TaskEpisodes],
    episodes: int,
    expert_at_least: float | None,
    random_at_most: float | None,
    where: str,
) -> None:
    """Raise TrajpromptError unless first and last episodes meet their thresholds.

    A threshold of None is not checked. Later stages take random demonstrations from the
    start of the buffers and expert ones from the end. If the agents did not learn, those
    stages would give wrong results without an error.
    """
    first, last = first_and_last(tasks, episodes)
    remedy = "collect more episodes, change run_seed, or change this key in the config"
    if expert_at_least is not None and not last >= expert_at_least:
        found = f"the last {episodes} episodes per task return {last:.1f} on average"
        raise TrajpromptError(
            f"{where}.expert_at_least", found, f"at least {expert_at_least}", remedy
        )
    if random_at_most is not None and not first <= random_at_most:
        found = f"the first {episodes} episodes per task return {first:.1f} on average"
        raise TrajpromptError(
            f"{where}.random_at_most", found, f"at most {random_at_most}", remedy
        )


def mean_score(tasks: Sequence[TaskEpisodes], suite: Suite) -> float:
    """D4RL score of the mean return of all episodes of all tasks."""
    returns = np.concatenate([task.returns for task in tasks])
    return float(suite.shown(returns.mean()))


def check_score(
    score: float, between: tuple[float, float] | None, suite: Suite, where: str
) -> None:
    """Raise TrajpromptError unless a store's score is in its range; None is not checked."""
    if between is None or between[0] <= score <= between[1]:
        return
    found = f"the data of {suite.name} have a score of {score:.1f}"
    expected = f"from {between[0]} to {between[1]}"
    remedy = f"change teachers.{suite.environment}, steps or run_seed, or change this key"
    raise TrajpromptError(f"{where}.score_between", found, expected, remedy)
