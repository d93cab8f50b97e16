"""Pushes between living units that overlap."""

import numpy as np

# Pairs whose distance is below the sum of their radii times this are computed exactly.
MARGIN = 1.001
LEAST = np.float32(1e-6)  # added to a distance


class Collisions:
    """All pairs of U units in N battles."""

    def __init__(self, radii: np.ndarray, rows: int):
        first, second = np.triu_indices(len(radii), 1)  # (P,) each, P = U (U - 1) / 2
        self._first, self._second, self._rows = first, second, rows
        self._reach = radii[first, 0] + radii[second, 0]  # (P,)
        self._near = np.square(MARGIN * self._reach)[:, None].astype(np.float32)

    def push(self, positions: np.ndarray, alive: np.ndarray) -> None:
        """Move ``positions`` (2, U, N) of overlapping units apart, in place.

        Each unit of a pair at distance d moves (R / d - 1) d / 2 away from the other, where
        R is the sum of their radii. All pairs are pushed at once, so units in a crowd may
        overlap afterwards.
        """
        gaps = positions.take(self._first, axis=1)
        gaps -= positions.take(self._second, axis=1)  # (2, P, N)
        squares = np.square(gaps)
        squares[0] += squares[1]
        found = np.flatnonzero(squares[0] < self._near)  # sorted by pair, then by battle
        if not len(found):
            return
        pairs, battles = np.divmod(found, self._rows)
        first = self._first[pairs] * self._rows + battles  # in a flat (U, N)
        second = self._second[pairs] * self._rows + battles
        distances = np.sqrt(squares[0].reshape(-1)[found]) + LEAST
        overlaps = self._reach[pairs] / distances - np.float32(1)
        both = alive.reshape(-1)
        overlaps *= (overlaps > 0) & both[first] & both[second]
        flat = positions.reshape(2, -1)
        for axis in range(2):
            moves = gaps[axis].reshape(-1)[found] * overlaps * np.float32(0.5)
            np.add.at(flat[axis], first, moves)
            np.subtract.at(flat[axis], second, moves)
