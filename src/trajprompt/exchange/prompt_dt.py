"""The pickles of the public Prompt-DT data: one list of episodes per task and level.

A file such as ``cheetah_vel-3-expert.pkl`` holds a list of dicts, one per episode, with
``observations`` (T, S), ``actions`` (T, A), ``rewards`` (T,) or (T, 1), ``terminals`` or
``dones``, and mostly ``next_observations``; other keys are not read.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trajprompt.errors import TrajpromptError
from trajprompt.exchange.episodes import (
    FROM_NEXT,
    REPEATED,
    Episode,
    Source,
    checked,
    last_step_only,
    without_horizon,
)
from trajprompt.exchange.numpy_pickles import Budget, Refused
from trajprompt.exchange.pickles import load_pickle

if TYPE_CHECKING:
    from trajprompt.tasks.suites import Suite

NEEDED = ("observations", "actions", "rewards")
DEEPEST = 3  # lists in lists: an array of the episode, a step, a number's own list


def read(path: Path, suite: "Suite") -> Source:
    """All episodes of one file, in file order."""
    data = load_pickle(path)
    if type(data) is not list or not data:
        found = "an empty list" if type(data) is list else f"a {type(data).__name__}"
        raise TrajpromptError(path, found, "a list of episodes, each a dict")
    # One array may stand for many in a pickle: all together stay near the file's size.
    budget = Budget(2 * path.stat().st_size)
    episodes = [
        _episode(f"{path}: episode {index}", suite, values, budget)
        for index, values in enumerate(data)
    ]
    complete = all("next_observations" in values for values in data)
    told = FROM_NEXT if complete else REPEATED
    return Source(episodes, (path,), {"final_observations_are": told})


def _episode(where: str, suite: "Suite", values: Any, budget: Budget) -> Episode:
    if type(values) is not dict:
        raise TrajpromptError(where, f"a {type(values).__name__}", "a dict of arrays")
    missing = [name for name in NEEDED if name not in values]
    if missing:
        found = f"no {' and no '.join(missing)}"
        raise TrajpromptError(where, found, f"the keys {', '.join(NEEDED)}")
    observations = _array(where, values, "observations", budget)
    following = observations
    if "next_observations" in values:
        following = _array(where, values, "next_observations", budget)
        if following.shape != observations.shape:
            expected = f"{observations.shape}, as observations"
            raise TrajpromptError(
                f"{where}: next_observations", f"shape {following.shape}", expected
            )
    made = Episode(
        observations,
        _array(where, values, "actions", budget),
        _array(where, values, "rewards", budget),
        _terminations(where, values, suite, budget),
        following[-1] if len(following) else following,
    )
    return checked(made, suite, where)


def _terminations(
    where: str, values: Mapping[str, Any], suite: "Suite", budget: Budget
) -> np.ndarray:
    """``terminals``, else ``dones``, else none, less what is the horizon's."""
    for name in ("terminals", "dones"):
        if name in values:
            flags = _array(where, values, name, budget).reshape(-1)
            last_step_only(f"{where}: {name}", flags)
            return without_horizon(flags, suite)
    return np.zeros(len(values["observations"]), bool)


def _array(where: str, values: Mapping[str, Any], name: str, budget: Budget) -> np.ndarray:
    """An array, or lists of numbers as one, of at least one axis."""
    try:
        _count(values[name], DEEPEST, budget)
        made = np.asarray(values[name])
    except (Refused, ValueError, OverflowError) as error:
        found = str(error).splitlines()[0]
        raise TrajpromptError(f"{where}: {name}", found, "an array of numbers") from error
    if made.dtype.kind not in "biuf" or made.ndim == 0:
        raise TrajpromptError(f"{where}: {name}", f"a {made.dtype}", "an array of numbers")
    return made


def _count(value: Any, depth: int, budget: Budget) -> None:
    """Spend what ``value`` will take as an array, and refuse what is none."""
    if isinstance(value, np.ndarray):
        budget.spend(value.nbytes)
    elif type(value) is list and depth:
        for item in value:
            _count(item, depth - 1, budget)
    elif not isinstance(value, bool | int | float | np.generic):
        raise Refused(f"a {type(value).__name__}")
    budget.spend(1)
