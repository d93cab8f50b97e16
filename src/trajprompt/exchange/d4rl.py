"""D4RL files: the steps of all episodes of one task in flat HDF5 datasets.

``observations`` (N, S), ``actions`` (N, A), ``rewards`` (N,), ``terminals`` (N,), and in
all but the oldest ``timeouts`` (N,) and ``next_observations`` (N, S).
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from trajprompt.errors import TrajpromptError
from trajprompt.exchange.episodes import (
    FROM_NEXT,
    REPEATED,
    Episode,
    Source,
    checked,
    spans,
)
from trajprompt.exchange.hdf5 import array, opened

if TYPE_CHECKING:
    from trajprompt.tasks.suites import Suite

NEEDED = ("observations", "actions", "rewards", "terminals")


def read(path: Path, suite: "Suite") -> Source:
    """All whole episodes of one file. Steps after the last end are no whole episode."""
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
        raise TrajpromptError(path, f"{len(terminals)} steps without an end", expected)
    told = FROM_NEXT if "next_observations" in columns else REPEATED
    return Source(episodes, (path,), {"final_observations_are": told})


def _ends(
    terminals: np.ndarray, columns: dict[str, np.ndarray], suite: "Suite"
) -> np.ndarray:
    """(N,) bool, the last steps: a terminal, or a timeout where the file says them.

    The oldest files do not; there an episode that goes on ends at the horizon.
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
            found = f"shape {values.shape}"
            raise TrajpromptError(f"{path}/{name}", found, f"{steps} steps, as rewards")
