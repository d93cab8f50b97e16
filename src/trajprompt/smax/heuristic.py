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
        actions = np.where(reach.any(axis=1), MOVES + target, moves)
        actions[~battle.alive[battle.scenario.members(self.team)]] = STOP
        if self.noise > 0:
            mask = available(battle, self.team).transpose(2, 1, 0)  # (actions, M, N)
            actions = np.where(coin <= self.noise, _nth(mask, number), actions)
        return actions.T

    def _target(self, squares: np.ndarray, reach: np.ndarray) -> np.ndarray:
        """Opponents to attack (M, N), which are remembered; any if none is in range."""
        closest = np.where(reach, squares, np.inf).argmin(axis=1)
        last = np.maximum(self.last, 0)
        keep = (self.last != NONE) & np.take_along_axis(reach, last[:, None], 1)[:, 0]
        target = np.where(keep, self.last, closest)
        self.last = np.where(reach.any(axis=1), target, NONE)
        return target

    def _moves(
        self, battle: Battle, ways: np.ndarray, seen: np.ndarray, choice: np.ndarray
    ) -> np.ndarray:
        """Moves (M, N) to an opponent of the mask ``seen`` (M, K, N), or to the goal."""
        chosen = _nth(seen.swapaxes(0, 1), choice)  # (M, N)
        own = battle.positions[:, battle.scenario.members(self.team)]
        near = np.take_along_axis(ways, chosen[None, :, None], 2)[:, :, 0]
        x, y = np.where(seen.any(axis=1), near, self._goals - own)
        return np.stack([y, x, -y, -x]).argmax(axis=0)  # up, right, down, left


def _nth(mask: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Index along the first axis of a random true element, chosen by ``draws`` in (0, 1].

    The result is 0 where no element is true.
    """
    counts = mask.cumsum(axis=0)
    return (counts >= np.ceil(draws * counts[-1])).argmax(axis=0)
