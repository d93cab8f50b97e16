"""Episodes of battles against the built-in enemy, in lockstep."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from trajprompt.smax import heuristic
from trajprompt.smax.battle import LIMIT, Battle, Outcome, draw
from trajprompt.smax.heuristic import Heuristic
from trajprompt.smax.observations import available, observe, width
from trajprompt.smax.scenarios import Scenario

# Actions of the allies (N, A), integers. Policies that see what units see call `observe`
# and `available`.
Policy = Callable[[Battle], np.ndarray]
# Makes a policy for battles that have just started, from one generator per battle.
Player = Callable[[Battle, Sequence[np.random.Generator]], Policy]


@dataclass(frozen=True)
class Records:
    """Steps of N episodes, up to the longest length T; steps after an end are zeros."""

    observations: np.ndarray  # (N, T, A, F) float32
    available: np.ndarray  # (N, T, A, actions) bool
    actions: np.ndarray  # (N, T, A) int64
    rewards: np.ndarray  # (N, T) float32; the allies share it


@dataclass(frozen=True)
class Episodes:
    """Results of N episodes, of the allies."""

    returns: np.ndarray  # (N,) float64
    wins: np.ndarray  # (N,) bool
    losses: np.ndarray  # (N,) bool; a draw or the end of time is neither
    lengths: np.ndarray  # (N,) int64, decisions
    records: Records | None


def built_in(noise: float = 0.0) -> Player:
    """The enemy's heuristic as a player of the allies, with random actions."""

    def make(battle: Battle, generators: Sequence[np.random.Generator]) -> Policy:
        return _heuristic(battle, 0, generators, noise)

    return make


def play(
    scenario: Scenario,
    streams: Sequence[np.random.SeedSequence],
    player: Player,
    record: bool = False,
) -> Episodes:
    """Play one episode per stream of `seeds`. An episode depends on its own stream only.

    The stream's random numbers are those of the battle, then the enemy's, then the
    player's, so all players of a stream meet the same battle.
    """
    generators = [np.random.default_rng(stream) for stream in streams]
    battle = Battle(scenario, draw(scenario, generators))
    enemy, policy = _heuristic(battle, 1, generators), player(battle, generators)
    count = len(streams)
    returns, lengths = np.zeros(count), np.zeros(count, np.int64)
    winners, running = np.zeros((count, 2), bool), np.ones(count, bool)
    steps = _Recorder(battle) if record else None
    while running.any():
        if steps:
            steps.see(battle)
        actions = policy(battle)
        outcome = battle.step(actions, enemy(battle))
        if steps:
            steps.receive(actions, outcome, running)
        returns[running] += outcome.rewards[running, 0]
        lengths += running
        winners[running] = outcome.winners[running]
        running &= ~outcome.ended
    wins, losses = winners.T
    return Episodes(returns, wins, losses, lengths, steps.records() if steps else None)


class _Recorder:
    """Buffers of `Records`."""

    def __init__(self, battle: Battle):
        scenario, lead = battle.scenario, (battle.rows, LIMIT)
        shape = (*lead, scenario.allies)
        self._time = 0
        self._observations = np.zeros((*shape, width(scenario)), np.float32)
        self._available = np.zeros((*shape, scenario.actions(0)), bool)
        self._actions = np.zeros(shape, np.int64)
        self._rewards = np.zeros(lead, np.float32)

    def see(self, battle: Battle) -> None:
        self._observations[:, self._time] = observe(battle, 0)
        self._available[:, self._time] = available(battle, 0)

    def receive(self, actions: np.ndarray, outcome: Outcome, running: np.ndarray) -> None:
        now = self._time
        self._actions[:, now] = actions
        self._rewards[:, now] = outcome.rewards[:, 0]
        for array in (self._observations, self._available, self._actions, self._rewards):
            array[~running, now] = 0
        self._time += 1

    def records(self) -> Records:
        arrays = (self._observations, self._available, self._actions, self._rewards)
        return Records(*(array[:, : self._time].copy() for array in arrays))


def _heuristic(
    battle: Battle, team: int, generators: Sequence[np.random.Generator], noise: float = 0.0
) -> Heuristic:
    draws = heuristic.draw(battle.scenario, team, generators)
    return Heuristic(battle, team, draws, noise)
