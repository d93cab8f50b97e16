"""Checks of the values of episodes, and sums over each episode."""

import numpy as np

from trajprompt.errors import TrajpromptError

REMEDY = "collect or import the trajectories again"


def check_ends(ends: np.ndarray, rows: int, where: str) -> None:
    """Raise TrajpromptError unless ``ends`` divide ``rows`` steps into episodes."""
    if len(ends) == 0 or ends[-1] != rows or np.any(np.diff(ends, prepend=0) <= 0):
        raise TrajpromptError(
            f"{where}/episode_ends",
            "ends do not fit the rewards",
            f"increasing ends, the last one {rows}, the number of steps",
            REMEDY,
        )


def check_finite(values: np.ndarray, where: str) -> None:
    """Raise TrajpromptError if a value is NaN or infinite."""
    bad = ~np.isfinite(values)
    if bad.any():
        found = f"found {int(bad.sum())} values that are not finite"
        raise TrajpromptError(where, found, "finite values", REMEDY)


def sums(rewards: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Sum of each episode's rewards, (E,) float64; ``starts`` are its first rows."""
    return np.add.reduceat(rewards.astype(np.float64), starts)
