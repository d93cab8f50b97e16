"""Pickles of the public Prompt-DT data: one list of episodes per task and level.

A file such as ``cheetah_vel-3-expert.pkl`` holds a list of dicts, one per episode. Each has
``observations`` (T, S), ``actions`` (T, A), ``rewards`` (T,) or (T, 1), ``terminals`` or
``dones``, and usually ``next_observations``. Other keys are not read.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trajprompt.errors import TrajpromptError
from trajprompt.exchange.episodes import (
    FROM_NEXT,
    REMEDY,
    Episode,
    Source,
    checked,
    checked_flags,
    drop_time_limit,
    require_last_step_only,
)
from trajprompt.exchange.numpy_pickles import Budget, Refused
from trajprompt.exchange.pickles import load_pickle
from trajprompt.exchange.sources import single_file
from trajprompt.trajectories.episodes import FINAL_OBSERVATIONS, REPEATED

if TYPE_CHECKING:
    from trajprompt.tasks.suites import Suite

NEEDED = ("observations", "actions", "rewards")
MAX_DEPTH = 3  # nested lists: array of the episode, step, single value

inputs = single_file


def read(path: Path, suite: "Suite") -> Source:
    """Read all episodes of one file, in file order; raises TrajpromptError if invalid."""
    data = load_pickle(path)
    if type(data) is not list or not data:
        kind = "an empty list" if type(data) is list else f"a {type(data).__name__}"
        expected = "a list of episodes, each a dict"
        raise TrajpromptError(path, f"found {kind}", expected, REMEDY)
    # A pickle may reference one array many times; this limits the total.
    budget = Budget(2 * path.stat().st_size)
    episodes = [
        _episode(f"{path}: episode {index}", suite, values, budget)
        for index, values in enumerate(data)
    ]
    complete = all("next_observations" in values for values in data)
    origin = FROM_NEXT if complete else REPEATED
    return Source(episodes, {FINAL_OBSERVATIONS: origin})


def _episode(where: str, suite: "Suite", values: Any, budget: Budget) -> Episode:
    if type(values) is not dict:
        found = f"found a {type(values).__name__}"
        raise TrajpromptError(where, found, "a dict of arrays", REMEDY)
    missing = [name for name in NEEDED if name not in values]
    if missing:
        found, expected = f"no {' and no '.join(missing)}", f"the keys {', '.join(NEEDED)}"
        raise TrajpromptError(where, f"found {found}", expected, REMEDY)
    observations = _array(where, values, "observations", budget)
    following = observations
    if "next_observations" in values:
        following = _array(where, values, "next_observations", budget)
        if following.shape != observations.shape:
            expected = f"{observations.shape}, like observations"
            place, found = f"{where}: next_observations", f"found shape {following.shape}"
            raise TrajpromptError(place, found, expected, REMEDY)
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
    """Terminations from ``terminals`` or ``dones``, without a flag at the horizon."""
    for name in ("terminals", "dones"):
        if name in values:
            given, place = _array(where, values, name, budget), f"{where}: {name}"
            ended = checked_flags(place, given, len(values["observations"]))
            require_last_step_only(place, ended)
            return drop_time_limit(ended, suite)
    return np.zeros(len(values["observations"]), bool)


def _array(where: str, values: Mapping[str, Any], name: str, budget: Budget) -> np.ndarray:
    """Array of at least one axis, from an array or from nested lists of numbers."""
    try:
        _count(values[name], MAX_DEPTH, budget)
        made = np.asarray(values[name])
    except (Refused, ValueError, OverflowError) as error:
        found = f"found {str(error).splitlines()[0]}"
        place = f"{where}: {name}"
        raise TrajpromptError(place, found, "an array of numbers", REMEDY) from error
    if made.dtype.kind not in "biuf" or made.ndim == 0:
        found = f"found type {made.dtype}, shape {made.shape}"
        raise TrajpromptError(f"{where}: {name}", found, "an array of numbers", REMEDY)
    return made


def _count(value: Any, depth: int, budget: Budget) -> None:
    """Spend the size of ``value`` as an array; raise Refused for other types."""
    if isinstance(value, np.ndarray):
        budget.spend(value.nbytes)
    elif type(value) is list and depth:
        for item in value:
            _count(item, depth - 1, budget)
    elif not isinstance(value, bool | int | float | np.generic):
        raise Refused(f"a {type(value).__name__}")
    budget.spend(1)
