"""Episodes of battles against the built-in enemy, in lockstep."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from trajprompt import seeds
from trajprompt.smax import heuristic
from trajprompt.smax.battle import LIMIT, Battle, Outcome, draw
from trajprompt.smax.heuristic import Heuristic
from trajprompt.smax.observations import available, observe, width
from trajprompt.smax.scenarios import Scenario

# Actions of the allies (N, A), integers. Policies that see what units see call `observe`
# and `available`.
Policy = Callable[[Battle], np.ndarray]
# Makes a policy for battles that have just started, from one stream per battle.
Player = Callable[[Battle, Sequence[np.random.SeedSequence]], Policy]


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

    def make(battle: Battle, streams: Sequence[np.random.SeedSequence]) -> Policy:
        return _heuristic(battle, 0, streams, noise)

    return make


def play(
    scenario: Scenario,
    streams: Sequence[np.random.SeedSequence],
    player: Player,
    record: bool = False,
) -> Episodes:
    """Play one episode per stream of `seeds`. An episode depends on its own stream only."""
    parts = [[seeds.child(stream, part) for stream in streams] for part in range(3)]
    battle = Battle(scenario, draw(scenario, _generators(parts[0])))
    enemy, policy = _heuristic(battle, 1, parts[1]), player(battle, parts[2])
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
    battle: Battle, team: int, streams: Sequence[np.random.SeedSequence], noise: float = 0.0
) -> Heuristic:
    draws = heuristic.draw(battle.scenario, team, _generators(streams))
    return Heuristic(battle, team, draws, noise)


def _generators(streams: Sequence[np.random.SeedSequence]) -> list[np.random.Generator]:
    return [np.random.default_rng(stream) for stream in streams]
