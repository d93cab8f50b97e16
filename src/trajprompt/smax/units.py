"""Types of units and their numbers, those of jaxmarl 0.2.0's ``SMAX``."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class UnitType:
    """Lengths are in the map's unit, times in seconds."""

    name: str
    health: float  # at the start
    damage: float  # of one hit; nothing heals, and no type has armour
    speed: float  # per second
    range: float  # greatest distance of a target, between centres
    sight: float  # greatest distance of a seen unit, between centres
    radius: float
    cooldown: float  # between two hits, without the random delay


UNIT_TYPES = (
    UnitType("marine", 45, 9, 3.15, 5, 9, 0.375, 0.61),
    UnitType("marauder", 125, 10, 2.25, 6, 10, 0.5625, 1.07),
    UnitType("stalker", 160, 13, 4.13, 6, 10, 0.625, 1.87),
    UnitType("zealot", 150, 8, 3.15, 2, 9, 0.5, 0.86),
    UnitType("zergling", 35, 5, 4.13, 2, 8, 0.375, 0.5),
    UnitType("hydralisk", 80, 12, 3.15, 5, 9, 0.625, 0.59),
)


def column(types: np.ndarray, quantity: str) -> np.ndarray:
    """A quantity of units of ``types`` (U,): (U, 1) float32, to be applied to (U, N)."""
    table = np.array([getattr(unit, quantity) for unit in UNIT_TYPES], np.float32)
    return table[types][:, None]
