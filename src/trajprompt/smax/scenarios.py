"""Scenarios: the two teams of a battle. Names and teams are those of jaxmarl 0.2.0."""

from dataclasses import dataclass

import numpy as np

from trajprompt.errors import TrajpromptError
from trajprompt.smax.units import UNIT_TYPES

MOVES = 5  # actions before the attacks: up, right, down, left, stop


@dataclass(frozen=True)
class Scenario:
    """Units are numbered through: first the allies, then the enemies."""

    name: str
    teams: tuple[tuple[str, ...], tuple[str, ...]]  # names of types: allies, enemies

    @property
    def allies(self) -> int:
        return len(self.teams[0])

    @property
    def enemies(self) -> int:
        return len(self.teams[1])

    @property
    def units(self) -> int:
        return self.allies + self.enemies

    @property
    def types(self) -> np.ndarray:
        """Index of each unit's type in `UNIT_TYPES` (U,)."""
        index = {unit.name: number for number, unit in enumerate(UNIT_TYPES)}
        return np.array([index[name] for team in self.teams for name in team])

    def members(self, team: int) -> slice:
        """The units of team 0, the allies, or of team 1."""
        return slice(0, self.allies) if team == 0 else slice(self.allies, self.units)

    def opponents(self, team: int) -> np.ndarray:
        """The other team's units in the order in which ``team`` sees and attacks them.

        Enemies see all units in reverse, so their first opponent is the last ally.
        """
        units = np.arange(self.units)
        return units[self.members(1)] if team == 0 else units[self.members(0)][::-1]

    def actions(self, team: int) -> int:
        """Number of actions of a unit of ``team``."""
        return MOVES + (self.enemies if team == 0 else self.allies)


MARINE, STALKER, ZEALOT = ("marine",), ("stalker",), ("zealot",)

SCENARIOS = {
    name: Scenario(name, teams)
    for name, teams in {
        "3m": (3 * MARINE, 3 * MARINE),
        "8m": (8 * MARINE, 8 * MARINE),
        "2s3z": (2 * STALKER + 3 * ZEALOT, 2 * STALKER + 3 * ZEALOT),
        "5m_vs_6m": (5 * MARINE, 6 * MARINE),
        "3s5z_vs_3s6z": (3 * STALKER + 5 * ZEALOT, 3 * STALKER + 6 * ZEALOT),
    }.items()
}


def get_scenario(name: str) -> Scenario:
    """The scenario called ``name``; the error for an unknown name lists the known ones."""
    if name not in SCENARIOS:
        found, expected = f"found {name!r}", f"one of {', '.join(SCENARIOS)}"
        raise TrajpromptError("scenario", found, expected, "choose one of these")
    return SCENARIOS[name]
