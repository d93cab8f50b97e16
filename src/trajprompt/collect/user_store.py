"""User's trajectory store instead of collected data (``algorithm: file`` in the config).

`trajprompt import` makes such a store from external data. The collect stage copies the
run's tasks from it and checks them like collected trajectories.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from trajprompt.artifacts.hdf5_attributes import get_text
from trajprompt.errors import TrajpromptError
from trajprompt.trajectories.layout import check_headers, read_goal, task_groups
from trajprompt.trajectories.store import open_store, open_tasks

if TYPE_CHECKING:
    from trajprompt.tasks.suites import Suite
    from trajprompt.trajectories.stored_task import StoredTask

REMEDY = "make it with `trajprompt import`, or choose tasks that it contains"


def fewest_episodes(path: str, suite: "Suite", tasks: Sequence[int]) -> int:
    """Smallest number of episodes of the given tasks in the store.

    Reads only the headers, so checking a config is fast. Raises TrajpromptError unless the
    file is a store of the suite with all these tasks and the suite's goals.
    """
    with open_store(path) as file:
        name = get_text(file, "suite")
        if name != suite.name:
            found, expected = f"found a store of suite {name}", f"suite {suite.name}"
            raise TrajpromptError(path, found, expected, REMEDY)
        groups = task_groups(file, path)
        missing = sorted(set(tasks) - set(groups))
        if missing:
            found = f"found no task {', '.join(map(str, missing))}"
            expected = f"all tasks of the run: {', '.join(map(str, sorted(tasks)))}"
            raise TrajpromptError(path, found, expected, REMEDY)
        counts = []
        for task in tasks:
            where = f"{path}:task_{task}"
            check_headers(groups[task], where)
            goal = read_goal(groups[task], where)
            if not np.array_equal(goal, suite.goals[task]):
                expected = f"{suite.goals[task].tolist()}, the goal of the suite's task"
                found = f"found {goal.tolist()}"
                raise TrajpromptError(f"{where}: goal", found, expected, REMEDY)
            counts.append(len(groups[task]["episode_ends"]))
    return min(counts)


def open_user_store(path: str, suite: "Suite", tasks: Sequence[int]) -> list["StoredTask"]:
    """``tasks`` of the user's store, checked by `fewest_episodes`; read when used."""
    fewest_episodes(path, suite, tasks)
    return list(open_tasks(path, tasks, suite).values())
