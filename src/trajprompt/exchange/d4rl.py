"""D4RL files: the steps of all episodes of one task in flat HDF5 datasets.

Datasets are ``observations`` (N, S), ``actions`` (N, A), ``rewards`` (N,) and
``terminals`` (N,). Except in the oldest files, there are also ``timeouts`` (N,) and
``next_observations`` (N, S).
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
    """Mask (N,) of the last step of each episode: a terminal or a timeout.

    The oldest files have no timeouts; there, an episode ends at the horizon at the latest.
    """
    if "timeouts" in columns:
        return terminals | columns["timeouts"].reshape(-1).astype(bool)
    ends, first = terminals.copy(), 0
    for step in range(len(ends)):
        ends[step] |= step - first + 1 == suite.horizon
        if ends[step]:
            first = step + 1
    return ends


def _check_lengths(path: Path, columns: dict[str, np.ndarray]) -> None:
    steps = columns["rewards"].size
    for name, values in columns.items():
        if values.ndim == 0 or len(values) != steps:
            found, expected = f"found shape {values.shape}", f"{steps} steps, like rewards"
            raise TrajpromptError(f"{path}:/{name}", found, expected, REMEDY)
