"""SMAX's built-in player, for either team, with random actions if wanted.

A unit with opponents in range attacks: the one it attacked before, if that is among them,
else the closest. Other units walk along one axis, the one with the longer way: to an
opponent they see, chosen at random in each decision, else to the point opposite their
start. Once there, they step back and forth.

Dead units stop. (Those of jaxmarl walk, which neither moves them nor is seen.)
"""

from collections.abc import Sequence

import numpy as np

from trajprompt.smax.battle import LIMIT, SIZE, STOP, Battle, uniform
from trajprompt.smax.observations import available, distances, in_range, in_sight
from trajprompt.smax.scenarios import MOVES, Scenario

NONE = -1  # no opponent attacked


def draw(
    scenario: Scenario, team: int, generators: Sequence[np.random.Generator]
) -> np.ndarray:
    """Random numbers in (0, 1] of a player of ``team``: (N, LIMIT, 3, M) float32.

    The three are: which opponent to walk to, whether to act at random, and how.
    """
    members = len(range(scenario.units)[scenario.members(team)])
    return 1 - uniform(generators, (LIMIT, 3, members))


class Heuristic:
    """The player of ``team`` in N battles.

    With probability ``noise``, a unit's action is a random available one; what it attacked
    before is still remembered. ``draws`` are those of `draw`.
    """

    def __init__(self, battle: Battle, team: int, draws: np.ndarray, noise: float = 0.0):
        self.team, self.noise, self._draws = team, noise, draws
        members = battle.scenario.members(team)
        self._goals = np.float32(SIZE) - battle.positions[:, members]  # (2, M, N)
        self.last = np.full(battle.alive[members].shape, NONE)  # (M, N), opponents

    def __call__(self, battle: Battle) -> np.ndarray:
        """Actions (N, M), int64."""
        choice, coin, number = self._draws[:, battle.time].transpose(1, 2, 0)  # (M, N)
        ways, squares = distances(battle, self.team)
        reach = in_range(battle, self.team, squares)
        target = self._target(squares, reach)
        moves = self._moves(battle, ways, in_sight(battle, self.team, squares), choice)
        actions = np.where(self.last != NONE, MOVES + target, moves)
        actions[~battle.alive[battle.scenario.members(self.team)]] = STOP
        if self.noise > 0:
            mask = available(battle, self.team).transpose(2, 1, 0)  # (actions, M, N)
            actions = np.where(coin <= self.noise, _nth(mask, number), actions)
        return actions.T

    def _target(self, squares: np.ndarray, reach: np.ndarray) -> np.ndarray:
        """Opponents to attack (M, N), which are remembered; any if none is in range."""
        # (M, K, N), of which K is small: loops over it are faster than argmin and argmax.
        apart = np.where(reach, squares, np.inf)
        target, least = np.zeros_like(self.last), apart[:, 0].copy()
        keep = np.zeros(self.last.shape, bool)
        for opponent in range(squares.shape[1]):
            target[apart[:, opponent] < least] = opponent
            np.minimum(least, apart[:, opponent], out=least)
            keep |= (self.last == opponent) & reach[:, opponent]
        target = np.where(keep, self.last, target)
        self.last = np.where(least < np.inf, target, NONE)
        return target

    def _moves(
        self, battle: Battle, ways: np.ndarray, seen: np.ndarray, choice: np.ndarray
    ) -> np.ndarray:
        """Moves (M, N) to an opponent of the mask ``seen`` (M, K, N), or to the goal."""
        chosen = _nth(seen.swapaxes(0, 1), choice)  # (M, N)
        own = battle.positions[:, battle.scenario.members(self.team)]
        near = np.take_along_axis(ways, chosen[None, :, None], 2)[:, :, 0]
        x, y = np.where(seen.any(axis=1), near, self._goals - own)
        longer = np.maximum(np.abs(x), np.abs(y))
        sideways = np.where(x == longer, 1, np.where(-y == longer, 2, 3))
        return np.where(y == longer, 0, sideways)


def _nth(mask: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Index along the first axis of a random true element, chosen by ``draws`` in (0, 1].

    The result is 0 where no element is true.
    """
    counts = mask.cumsum(axis=0, dtype=np.int8)
    wanted = np.ceil(draws * counts[-1])
    return (counts < wanted).sum(axis=0)
