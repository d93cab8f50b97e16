"""N battles of one scenario in lockstep.

A decision lasts 8 sub-steps of 1/16 s. In each, all units act at once:

1. A unit that attacks, whose cooldown is over and whose target is alive and in range, hits
   it; its cooldown starts again, with a random delay. Several units may hit one target, and
   two units may kill each other. Other cooldowns go on, below 0, too.
2. Units move; a unit that touches the map's edge dies.
3. Living units that overlap are pushed apart (collisions.py).

A unit hits at most once per decision, because no cooldown is shorter than 7 sub-steps. So
one delay per unit and decision is drawn, at the battle's start.

A team's reward is the health that the other team loses, each unit's as a share of its
start, divided by that team's number of units; winning adds 1. Health lost at the edge
counts. If both teams die in the same sub-step, neither wins.

State is float32, as in jaxmarl.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from trajprompt.smax.collisions import Collisions
from trajprompt.smax.scenarios import MOVES, Scenario
from trajprompt.smax.units import column

SIZE = 32.0  # of the map, along both axes
STARTS = ((8.0, 16.0), (24.0, 16.0))  # centres of the teams' starts
START_NOISE = 2.0  # of both coordinates, uniform
SUBSTEPS = 8  # per decision
DT = np.float32(1 / 16)  # seconds per sub-step
DELAYS = (-1 / 16, 2 / 16)  # limits of a cooldown's random part, s, uniform
WIN_BONUS = 1.0
STOP = MOVES - 1
# jaxmarl's limit is 100, but it compares the number of earlier decisions.
LIMIT = 101  # decisions
DIRECTIONS = np.array([[0, 1, 0, -1, 0], [1, 0, -1, 0, 0]], np.float32)  # x, y by action


class Draws(NamedTuple):
    """The random numbers of N battles."""

    offsets: np.ndarray  # (N, 2, U) float32, of the starts
    delays: np.ndarray  # (N, LIMIT, U) float32, of cooldowns, s


class Outcome(NamedTuple):
    """Results of one decision."""

    rewards: np.ndarray  # (N, 2) float32, of the teams
    ended: np.ndarray  # (N,) bool
    winners: np.ndarray  # (N, 2) bool


def draw(scenario: Scenario, generators: Sequence[np.random.Generator]) -> Draws:
    """Random numbers of one battle per generator, which do not depend on the others."""
    offsets = uniform(generators, (2, scenario.units))
    delays = uniform(generators, (LIMIT, scenario.units))
    low, high = DELAYS
    return Draws((2 * offsets - 1) * START_NOISE, delays * (high - low) + low)


def uniform(
    generators: Sequence[np.random.Generator], shape: tuple[int, ...]
) -> np.ndarray:
    """Random numbers in [0, 1) from each of N generators: (N, *shape) float32."""
    numbers = np.empty((len(generators), *shape), np.float32)
    for row, generator in enumerate(generators):
        generator.random(dtype=np.float32, out=numbers[row])
    return numbers


class Battle:
    """State of N battles; arrays are (units, N), so operations run along battles.

    Arrays are contiguous, because they are also indexed as flat ones. Battles that have
    ended are stepped on with the others: the caller ignores them.
    """

    positions: np.ndarray  # (2, U, N) float32
    health: np.ndarray  # (U, N) float32
    cooldowns: np.ndarray  # (U, N) float32, s; a unit hits at 0 or below
    alive: np.ndarray  # (U, N) bool
    moved: np.ndarray  # (2, U, N) float32, direction of the last decision, or 0
    attacked: np.ndarray  # (U, N) int64, the last decision if it was an attack, or 0

    def __init__(self, scenario: Scenario, draws: Draws):
        self.scenario, self._delays = scenario, draws.delays
        self.types, self.rows = scenario.types, len(draws.offsets)
        shape = (scenario.units, self.rows)
        self._full = column(self.types, "health")
        self._strides = column(self.types, "speed") * DT  # per sub-step
        self._damage = column(self.types, "damage")[:, 0]
        self._cooldown = column(self.types, "cooldown")[:, 0]
        self._reach = np.square(column(self.types, "range"))[:, 0]
        self._collisions = Collisions(column(self.types, "radius"), self.rows)
        self._targets = _targets(scenario)
        self.time = 0  # decisions
        self.health = np.repeat(self._full, self.rows, axis=1)
        self.cooldowns = np.zeros(shape, np.float32)
        self.alive = np.ones(shape, bool)
        self.moved = np.zeros((2, *shape), np.float32)
        self.attacked = np.zeros(shape, np.int64)
        sides = np.repeat([0, 1], [scenario.allies, scenario.enemies])
        centres = np.array(STARTS, np.float32)[sides].T  # (2, U)
        offsets = np.ascontiguousarray(draws.offsets.transpose(1, 2, 0))
        self.positions = centres[:, :, None] + offsets
        self._collisions.push(self.positions, self.alive)

    def step(self, allies: np.ndarray, enemies: np.ndarray) -> Outcome:
        """Apply the actions of the allies (N, A) and of the enemies (N, E), integers.

        0 to 3 move up, right, down and left, 4 stops, 5 + k attacks the k-th opponent (see
        `Scenario.opponents`). An action that is not available has no effect: a unit whose
        target is out of range stands still. Moving is as fast with a cooldown as without.
        """
        actions = np.concatenate([allies.T, enemies.T])  # (U, N)
        moves = np.minimum(actions, STOP)
        self.moved = DIRECTIONS[:, moves]
        self.attacked = np.where(actions > STOP, actions, 0)
        delays = self._delays[:, self.time].T.reshape(-1)
        before, strides = self.health.copy(), self.moved * self._strides
        # In a flat (U, N). Units whose cooldown outlasts the decision cannot hit.
        shooters = np.flatnonzero(
            (self.attacked > 0) & self.alive & (self.cooldowns <= (SUBSTEPS - 1) * DT)
        )
        units, battles = np.divmod(shooters, self.rows)
        targets = self._targets[units, actions[units, battles]] * self.rows + battles
        living = -1  # units
        for _ in range(SUBSTEPS):
            if living != (living := int(np.count_nonzero(self.alive))):
                strides[:, ~self.alive] = 0
                both = self.alive.reshape(-1)
                kept = both[shooters] & both[targets]
                shooters, targets = shooters[kept], targets[kept]
            hits = self._hits(shooters, targets)
            self.cooldowns -= DT
            self._hit(shooters[hits], targets[hits], delays)
            self.positions += strides
            self._leave()
            np.greater(self.health, 0, out=self.alive)
            self._collisions.push(self.positions, self.alive)
        self.time += 1
        return self._outcome(before)

    def _hits(self, shooters: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Indices of ``shooters`` (K,) that hit; both are alive, and in a flat (U, N)."""
        (hits,) = (self.cooldowns.reshape(-1)[shooters] <= 0).nonzero()
        shooters, targets = shooters[hits], targets[hits]
        x, y = self.positions.reshape(2, -1)
        squares = np.square(x[shooters] - x[targets]) + np.square(y[shooters] - y[targets])
        return hits[squares < self._reach[shooters // self.rows]]

    def _hit(self, shooters: np.ndarray, targets: np.ndarray, delays: np.ndarray) -> None:
        if not len(shooters):
            return
        units = shooters // self.rows
        self.cooldowns.reshape(-1)[shooters] = self._cooldown[units] + delays[shooters]
        np.subtract.at(self.health.reshape(-1), targets, self._damage[units])
        np.maximum(self.health, 0, out=self.health)

    def _leave(self) -> None:
        """Keep units on the map, and kill those that touch its edge."""
        if self.positions.min() > 0 and self.positions.max() < SIZE:
            return
        np.clip(self.positions, 0, np.float32(SIZE), out=self.positions)
        edge = (self.positions <= 0) | (self.positions >= SIZE)
        self.health[edge.any(axis=0)] = 0

    def _outcome(self, before: np.ndarray) -> Outcome:
        lost = (before - self.health) / self._full
        members = [self.scenario.members(team) for team in range(2)]
        fallen = np.stack([~self.alive[team].any(axis=0) for team in members])  # (2, N)
        shares = np.stack([lost[team].mean(axis=0) for team in members])
        winners = fallen[::-1] & ~fallen
        rewards = shares[::-1] + np.float32(WIN_BONUS) * winners
        ended = np.full(self.rows, self.time >= LIMIT)
        return Outcome(rewards.T, ended | fallen.any(axis=0), winners.T)


def _targets(scenario: Scenario) -> np.ndarray:
    """The unit that unit u attacks with action a, or u itself (U, actions)."""
    most = max(scenario.actions(team) for team in range(2))
    targets = np.repeat(np.arange(scenario.units)[:, None], most, axis=1)
    for team in range(2):
        opponents = scenario.opponents(team)
        targets[scenario.members(team), MOVES : MOVES + len(opponents)] = opponents
    return targets
