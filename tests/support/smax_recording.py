"""Comparison of our SMAX with steps of jaxmarl 0.2.0's.

The steps are those of a file of tests/peers/smax_reference.py. To compare with a longer
recording than the one in the repository::

    PEER/bin/python tests/peers/smax_reference.py long.npz --episodes 8 --steps 101
    PYTHONPATH=src:tests python -m support.smax_recording long.npz
"""

import sys
from pathlib import Path

import numpy as np

from support.paths import ROOT
from trajprompt.smax.battle import DIRECTIONS, LIMIT, STOP, Battle, Draws
from trajprompt.smax.heuristic import Heuristic
from trajprompt.smax.observations import available, observe
from trajprompt.smax.scenarios import get_scenario

FILE = ROOT / "tests/peers/smax_reference.npz"


class Recording:
    """Rows (R, ...) of one scenario: states, and what happened in the next decision."""

    def __init__(self, name: str, path: Path = FILE):
        self.scenario = get_scenario(name)
        with np.load(path) as file:
            names = [key for key in file.files if key.startswith(f"{name}.")]
            arrays = {key.removeprefix(f"{name}."): file[key] for key in names}
        self.arrays, self.starts = arrays, arrays["starts"]
        self.actions = arrays["actions"].astype(np.int64)
        rows = np.arange(self.starts[-1])
        last = np.isin(rows, self.starts[1:] - 1)
        self.first = self.starts[:-1]
        self.played = rows[~last]  # rows with a decision

    def battle(self, rows: np.ndarray) -> Battle:
        """A battle whose states are those of ``rows``, and whose delays are the next."""
        units = self.scenario.units
        delays = np.zeros((len(rows), LIMIT, units), np.float32)
        delays[:, 0] = self.arrays["delays"][rows]
        offsets = np.zeros((len(rows), 2, units), np.float32)
        battle = Battle(self.scenario, Draws(offsets, delays))
        battle.positions[:] = self.arrays["positions"][rows].transpose(2, 1, 0)
        battle.health[:] = self.arrays["health"][rows].T
        battle.cooldowns[:] = self.arrays["cooldowns"][rows].T
        battle.alive[:] = battle.health > 0
        # A first state has no decision before it: as if all had stopped.
        fresh = np.isin(rows, self.first)
        before = np.where(fresh[:, None], STOP, self.actions[rows - 1]).T
        battle.moved[:] = DIRECTIONS[:, np.minimum(before, STOP)]
        battle.attacked[:] = np.where(before > STOP, before, 0)
        return battle

    def starts_differ(self) -> float:
        """Greatest difference of the positions after a reset with the same offsets."""
        offsets = self.arrays["offsets"].swapaxes(1, 2)
        delays = np.zeros((len(offsets), LIMIT, self.scenario.units), np.float32)
        battle = Battle(self.scenario, Draws(offsets, delays))
        expected = self.arrays["positions"][self.first]
        return _greatest(battle.positions.transpose(2, 1, 0), expected)

    def steps_differ(self) -> dict[str, float]:
        """Greatest differences after one decision from each of the recorded states."""
        battle, now, after = self.battle(self.played), self.played, self.played + 1
        actions = self.actions[now]
        outcome = battle.step(*np.split(actions, [self.scenario.allies], axis=1))
        fallen = self._fallen(after)
        # Our battle has just begun, so it does not know the end of time.
        starts = self.starts[np.searchsorted(self.starts, now, "right") - 1]
        ended = outcome.ended | (now - starts == LIMIT - 1)
        return {
            "positions": _greatest(
                battle.positions.transpose(2, 1, 0), self.arrays["positions"][after]
            ),
            "health": _greatest(battle.health.T, self.arrays["health"][after]),
            "cooldowns": _greatest(battle.cooldowns.T, self.arrays["cooldowns"][after]),
            "rewards": _greatest(outcome.rewards, self.arrays["rewards"][now]),
            "ends": float((ended != self.arrays["ended"][now]).sum()),
            "winners": float((outcome.winners != fallen[:, ::-1] & ~fallen).sum()),
        }

    def observations_differ(self) -> dict[str, float]:
        rows, every = self.arrays["observed"], np.arange(self.starts[-1])
        battles, allies = self.battle(rows), self.scenario.allies
        seen = np.concatenate([observe(battles, team) for team in range(2)], axis=1)
        all_rows, wrong = self.battle(every), 0
        for team, members in enumerate((slice(0, allies), slice(allies, None))):
            found = available(all_rows, team)
            expected = self.arrays["available"][:, members, : found.shape[2]]
            wrong += int((found != expected).sum())
        observations = _greatest(seen, self.arrays["observations"])
        return {"observations": observations, "available": float(wrong)}

    def actions_differ(self) -> tuple[int, int]:
        """Actions of living units in which the heuristics differ, and all such actions.

        Our side's are compared only in episodes that the heuristic plays.
        """
        differ = count = 0
        for episode, (start, end) in enumerate(
            zip(self.starts[:-1], self.starts[1:], strict=True)
        ):
            teams = (0, 1) if self.arrays["modes"][episode] == 0 else (1,)
            for team in teams:
                members = self.scenario.members(team)
                draws = np.ones((1, LIMIT, 3, len(self.actions[0, members])), np.float32)
                player = Heuristic(self.battle(np.array([start])), team, draws)
                for row in range(start, end - 1):
                    draws[0, 0, 0] = self.arrays["choices"][row, members]
                    battle = self.battle(np.array([row]))
                    living = battle.alive[members, 0]
                    wrong = player(battle)[0] != self.actions[row, members]
                    differ += int((wrong & living).sum())
                    count += int(living.sum())
        return differ, count

    def _fallen(self, rows: np.ndarray) -> np.ndarray:
        """Mask (R, 2) of teams without a living unit."""
        alive = self.arrays["health"][rows] > 0
        teams = np.split(alive, [self.scenario.allies], axis=1)
        return np.stack([~team.any(axis=1) for team in teams], axis=1)


def _greatest(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(found.astype(np.float64) - expected).max())


if __name__ == "__main__":
    for name in ("3m", "8m", "2s3z", "5m_vs_6m", "3s5z_vs_3s6z"):
        recording = Recording(name, Path(sys.argv[1]))
        found = {"starts": recording.starts_differ()} | recording.steps_differ()
        found |= recording.observations_differ()
        wrong, actions = recording.actions_differ()
        print(f"{name}: {len(recording.played)} steps; {wrong} of {actions} actions differ")
        print("   " + ", ".join(f"{key} {value:.1e}" for key, value in found.items()))
