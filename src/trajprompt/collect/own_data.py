"""A user's own store in place of collecting: ``algorithm: file`` in the config.

`trajprompt import` makes such a store of data from elsewhere; the stage copies the run's
tasks out of it, and judges them as it judges what it collects itself.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from trajprompt.artifacts.hdf5_attributes import get_text
from trajprompt.errors import TrajpromptError
from trajprompt.trajectories.layout import check_headers, read_goal, task_groups
from trajprompt.trajectories.store import open_store, read_trajectories

if TYPE_CHECKING:
    from trajprompt.tasks.suites import Suite
    from trajprompt.trajectories.episodes import TaskTrajectories

REMEDY = "make it with `trajprompt import`, or choose tasks that it holds"


def fewest_episodes(path: str, suite: "Suite", tasks: Sequence[int]) -> int:
    """Of the given tasks, by the headers alone, so that a config is soon checked.

    Raises TrajpromptError for a file that is no store of the suite with all those tasks
    and with the suite's own goals.
    """
    with open_store(path) as file:
        name = get_text(file, "suite")
        if name != suite.name:
            raise TrajpromptError(path, f"a store of {name}", suite.name, REMEDY)
        held = task_groups(file, path)
        missing = sorted(set(tasks) - set(held))
        if missing:
            found = f"no task {', '.join(map(str, missing))}"
            expected = f"all tasks of the run: {', '.join(map(str, sorted(tasks)))}"
            raise TrajpromptError(path, found, expected, REMEDY)
        counts = []
        for task in tasks:
            where = f"{path}:task_{task}"
            check_headers(held[task], where)
            goal = read_goal(held[task], where)
            if not np.array_equal(goal, suite.goals[task]):
                expected = f"{suite.goals[task].tolist()}, the goal of the suite's task"
                raise TrajpromptError(f"{where}: goal", str(goal.tolist()), expected)
            counts.append(len(held[task]["episode_ends"]))
    return min(counts)


def read_own(path: str, suite: "Suite", tasks: Sequence[int]) -> list["TaskTrajectories"]:
    """The run's tasks out of the user's store."""
    fewest_episodes(path, suite, tasks)
    return list(read_trajectories(path, tasks, suite).values())
