"""D4RL files: the steps of all episodes of one task in flat HDF5 datasets.

Datasets are ``observations`` (N, S), ``actions`` (N, A), ``rewards`` (N,) and
``terminals`` (N,). Except in the oldest files, there are also ``timeouts`` (N,) and
``next_observations`` (N, S). Observations of the ant have 84 columns of contact forces,
which are 0 and not read.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from trajprompt.errors import TrajpromptError
from trajprompt.exchange.episodes import (
    FROM_NEXT,
    REMEDY,
    Episode,
    Source,
    checked,
    checked_flags,
    spans,
)
from trajprompt.exchange.hdf5 import array, opened
from trajprompt.exchange.sources import single_file
from trajprompt.trajectories.episodes import FINAL_OBSERVATIONS, REPEATED

if TYPE_CHECKING:
    from trajprompt.tasks.suites import Suite

NEEDED = ("observations", "actions", "rewards", "terminals")
STATES = ("observations", "next_observations")
FLAGS = ("terminals", "timeouts")
FORCES = 84  # columns at the end of the ant's observations

# Rounding error between an observation and the same one in ``next_observations``.
STATE_SLACK = 1e-5

inputs = single_file


def read(path: Path, suite: "Suite") -> Source:
    """Read all complete episodes of one file; steps after the last end are dropped.

    An episode also ends where ``next_observations`` are not the next step's observations:
    all transitions are kept, and none of them joins two episodes. Raises TrajpromptError if
    the file is invalid or has no complete episode.
    """
    with opened(path) as file:
        columns = {name: array(file, name, path) for name in NEEDED}
        columns |= {
            name: array(file, name, path)
            for name in ("timeouts", "next_observations")
            if name in file
        }
    steps = _checked_steps(path, columns)
    columns |= {
        name: checked_flags(f"{path}:/{name}", columns[name], steps)
        for name in FLAGS
        if name in columns
    }
    if suite.environment == "ant":
        columns |= _without_forces(path, columns, suite.state_dim)
    following = columns.get("next_observations", columns["observations"])
    terminals = columns["terminals"]
    marked = terminals | columns.get("timeouts", terminals)
    ends = _ends(marked | _breaks(path, columns), "timeouts" in columns, suite)
    episodes = [
        checked(
            Episode(
                columns["observations"][first:end],
                columns["actions"][first:end],
                columns["rewards"][first:end],
                terminals[first:end],
                following[end - 1],
            ),
            suite,
            f"{path}: episode {index}",
        )
        for index, (first, end) in enumerate(spans(ends))
    ]
    if not episodes:
        expected = "terminals or timeouts that end at least one episode"
        found = f"found {steps} steps without an end"
        raise TrajpromptError(path, found, expected, REMEDY)
    origin = FROM_NEXT if "next_observations" in columns else REPEATED
    counts = _cuts(episodes, marked[ends], suite.horizon)
    return Source(episodes, {FINAL_OBSERVATIONS: origin}, counts=counts)


def _breaks(path: Path, columns: dict[str, np.ndarray]) -> np.ndarray:
    """Mask (N,) of the steps whose next observation is not the observation that follows.

    No step is one if the file has no ``next_observations``.
    """
    states, following = columns["observations"], columns.get("next_observations")
    broken = np.zeros(len(states), bool)
    if following is None:
        return broken
    if following.shape != states.shape or states.ndim != 2:
        found, expected = f"found shape {following.shape}", f"(N, S), like {states.shape}"
        raise TrajpromptError(f"{path}:/next_observations", found, expected, REMEDY)
    with np.errstate(over="ignore"):  # refused later
        pair = following[:-1].astype(np.float32), states[1:].astype(np.float32)
    broken[:-1] = ~np.isclose(*pair, rtol=STATE_SLACK, atol=STATE_SLACK).all(axis=1)
    return broken


def _cuts(episodes: Sequence[Episode], marked: np.ndarray, horizon: int) -> dict[str, int]:
    """Numbers of episodes that neither terminated nor met the horizon.

    ``marked`` (E,) is false for the ends that no flag marks.
    """
    cut = [len(one.rewards) < horizon and not one.terminations[-1] for one in episodes]
    return {
        "episodes_cut_by_timeouts": int(np.sum(cut & marked)),
        "episodes_cut_by_breaks": int(np.sum(cut & ~marked)),
    }


def _ends(ends: np.ndarray, timeouts: bool, suite: "Suite") -> np.ndarray:
    """Mask (N,) of the last step of each episode: one of ``ends``, or the horizon.

    D4RL's oldest files have no timeouts, and according to its wiki those of the level
    medium-replay not all. In files of other suites with ``timeouts``, a longer episode is
    not cut, but refused later.
    """
    if timeouts and not suite.environment:
        return ends
    first = 0
    for step in range(len(ends)):
        ends[step] |= step - first + 1 == suite.horizon
        if ends[step]:
            first = step + 1
    return ends


def _without_forces(
    path: Path, columns: dict[str, np.ndarray], states: int
) -> dict[str, np.ndarray]:
    """Observations (N, states) of the ant without contact forces, which must be 0."""
    found = {}
    for name in STATES:
        values = columns.get(name)
        if values is not None and values.ndim == 2 and values.shape[1] == states + FORCES:
            if values[:, states:].any():
                text = f"found contact forces that are not 0 in columns {states} and later"
                expected = "0, as in D4RL's files"
                remedy = "give data of D4RL's Ant, or leave these columns out"
                raise TrajpromptError(f"{path}:/{name}", text, expected, remedy)
            found[name] = values[:, :states]
    return found


def _checked_steps(path: Path, columns: dict[str, np.ndarray]) -> int:
    """Number of steps N; raises TrajpromptError unless all columns have it."""
    steps = columns["rewards"].size
    for name, values in columns.items():
        if values.ndim == 0 or len(values) != steps:
            found, expected = f"found shape {values.shape}", f"{steps} steps, like rewards"
            raise TrajpromptError(f"{path}:/{name}", found, expected, REMEDY)
    return steps
