"""D4RL files: the steps of all episodes of one task in flat HDF5 datasets.

Datasets are ``observations`` (N, S), ``actions`` (N, A), ``rewards`` (N,) and
``terminals`` (N,). Except in the oldest files, there are also ``timeouts`` (N,) and
``next_observations`` (N, S). Observations of the ant have 84 columns of contact forces,
which are 0 and not read.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from trajprompt.errors import TrajpromptError
from trajprompt.exchange.episodes import (
    FROM_NEXT,
    REMEDY,
    REPEATED,
    Episode,
    Source,
    checked,
    spans,
)
from trajprompt.exchange.hdf5 import array, opened
from trajprompt.exchange.sources import single_file

if TYPE_CHECKING:
    from trajprompt.tasks.suites import Suite

NEEDED = ("observations", "actions", "rewards", "terminals")
STATES = ("observations", "next_observations")
FORCES = 84  # columns at the end of the ant's observations

inputs = single_file


def read(path: Path, suite: "Suite") -> Source:
    """Read all complete episodes of one file; steps after the last end are dropped.

    Raises TrajpromptError if the file is invalid or has no complete episode.
    """
    with opened(path) as file:
        columns = {name: array(file, name, path) for name in NEEDED}
        columns |= {
            name: array(file, name, path)
            for name in ("timeouts", "next_observations")
            if name in file
        }
    _check_lengths(path, columns)
    if suite.environment == "ant":
        columns |= _without_forces(path, columns, suite.state_dim)
    following = columns.get("next_observations", columns["observations"])
    terminals = columns["terminals"].reshape(-1).astype(bool)
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
        for index, (first, end) in enumerate(spans(_ends(terminals, columns, suite)))
    ]
    if not episodes:
        expected = "terminals or timeouts that end at least one episode"
        found = f"found {len(terminals)} steps without an end"
        raise TrajpromptError(path, found, expected, REMEDY)
    origin = FROM_NEXT if "next_observations" in columns else REPEATED
    return Source(episodes, {"final_observations_are": origin})


def _ends(
    terminals: np.ndarray, columns: dict[str, np.ndarray], suite: "Suite"
) -> np.ndarray:
    """Mask (N,) of the last step of each episode: a terminal, a timeout or the horizon.

    D4RL's oldest files have no timeouts, and those of the level medium-replay not all. In
    files of other suites with timeouts, a longer episode is not cut, but refused later.
    """
    ends, first = terminals.copy(), 0
    if "timeouts" in columns:
        ends |= columns["timeouts"].reshape(-1).astype(bool)
        if not suite.environment:
            return ends
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


def _check_lengths(path: Path, columns: dict[str, np.ndarray]) -> None:
    steps = columns["rewards"].size
    for name, values in columns.items():
        if values.ndim == 0 or len(values) != steps:
            found, expected = f"found shape {values.shape}", f"{steps} steps, like rewards"
            raise TrajpromptError(f"{path}:/{name}", found, expected, REMEDY)
