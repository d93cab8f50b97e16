"""What units see, and the actions they have; as in jaxmarl 0.2.0 by default.

These are the features of its observation type ``unit_list`` with ``see_enemy_actions``. A
unit sees 13 features of every other unit, then 10 of its own. An ally sees the other allies
in order of their numbers, then the enemies; an enemy sees all others in reverse, so both
teams see their own units first. The features of another unit are

0. health, as a share of its start;
1. and 2. its position relative to the viewer's, divided by the viewer's sight;
3. and 4. the direction in which it last moved, or 0;
5. its last action if that was an attack, divided by its greatest action, or 0;
6. its cooldown, divided by that of its type, cut to [0, 1];
7. to 12. its type, one-hot.

They are 0 if the other is dead or not within the viewer's sight. A unit's own features are
its health, its position divided by the map's size, its cooldown and its type; the first and
the third are shares, too. All features of a dead viewer are 0.
"""

import numpy as np

from trajprompt.smax.battle import SIZE, STOP, Battle
from trajprompt.smax.scenarios import MOVES, Scenario
from trajprompt.smax.units import UNIT_TYPES, column

OTHER = 7 + len(UNIT_TYPES)  # features of another unit
OWN = 4 + len(UNIT_TYPES)


def width(scenario: Scenario) -> int:
    """Number of features F of an observation, the same for both teams."""
    return OTHER * (scenario.units - 1) + OWN


def observe(battle: Battle, team: int) -> np.ndarray:
    """Observations of the M units of ``team`` (N, M, F), float32."""
    scenario, types = battle.scenario, battle.types
    viewers = np.arange(scenario.units)[scenario.members(team)]  # (M,)
    others = _others(scenario, team)  # (M, U - 1)
    health, cooldowns = _scaled(battle)
    kinds = np.eye(len(UNIT_TYPES), dtype=np.float32)[types]  # (U, types)

    gaps = battle.positions[:, others] - battle.positions[:, viewers, None]
    sight = column(types, "sight")[viewers][:, None]  # (M, 1, 1)
    seen = np.square(gaps[0]) + np.square(gaps[1]) < np.square(sight)
    seen &= battle.alive[viewers, None] & battle.alive[others]
    seen = seen.astype(np.float32)
    greatest = [scenario.actions(one) - 1 for one in range(2)]
    actions = np.repeat(greatest, [scenario.allies, scenario.enemies])[:, None]
    attacked = (battle.attacked / actions).astype(np.float32)

    every = np.empty((len(viewers), width(scenario), battle.rows), np.float32)
    far = every[:, :-OWN].reshape(*seen.shape[:2], OTHER, battle.rows)  # a view
    far[:, :, 0] = health[others]
    np.divide(gaps, sight, out=far[:, :, 1:3].transpose(2, 0, 1, 3))
    far[:, :, 3:5] = battle.moved[:, others].transpose(1, 2, 0, 3)
    far[:, :, 5] = attacked[others]
    far[:, :, 6] = cooldowns[others]
    far[:, :, :7] *= seen[:, :, None]
    far[:, :, 7:] = kinds[others][..., None] * seen[:, :, None]

    near = every[:, -OWN:]
    near[:, 0] = health[viewers]
    near[:, 1:3] = battle.positions[:, viewers].transpose(1, 0, 2) / np.float32(SIZE)
    near[:, 3] = cooldowns[viewers]
    near[:, 4:] = kinds[viewers][..., None]
    near *= battle.alive[viewers][:, None]
    return np.ascontiguousarray(every.transpose(2, 0, 1))


def available(battle: Battle, team: int) -> np.ndarray:
    """Mask (N, M, actions) of the actions that the M units of ``team`` have.

    All can stop; the living can also move, and attack living opponents in range.
    """
    alive = battle.alive[battle.scenario.members(team)].T  # (N, M)
    reach = in_range(battle, team, distances(battle, team)[1])
    mask = np.ones((*alive.shape, battle.scenario.actions(team)), bool)
    mask[:, :, :STOP] = alive[:, :, None]
    mask[:, :, MOVES:] = reach.transpose(2, 0, 1)
    return mask


def distances(battle: Battle, team: int) -> tuple[np.ndarray, np.ndarray]:
    """Ways (2, M, K, N) from ``team``'s units to its K opponents, and squared lengths.

    Opponents are in the order of `Scenario.opponents`.
    """
    own = battle.positions[:, battle.scenario.members(team)]
    ways = battle.positions[:, battle.scenario.opponents(team)][:, None] - own[:, :, None]
    return ways, np.square(ways[0]) + np.square(ways[1])


def in_range(battle: Battle, team: int, squares: np.ndarray) -> np.ndarray:
    """Mask (M, K, N) of opponents that units can attack; ``squares`` as of `distances`."""
    return _within(battle, team, squares, "range")


def in_sight(battle: Battle, team: int, squares: np.ndarray) -> np.ndarray:
    """Mask (M, K, N) of opponents that units see; ``squares`` as of `distances`."""
    return _within(battle, team, squares, "sight")


def _within(battle: Battle, team: int, squares: np.ndarray, quantity: str) -> np.ndarray:
    members = battle.scenario.members(team)
    limits = np.square(column(battle.types[members], quantity))[:, None]
    both = battle.alive[members][:, None] & battle.alive[battle.scenario.opponents(team)]
    return (squares < limits) & both


def _others(scenario: Scenario, team: int) -> np.ndarray:
    """All units but the viewer, in the order in which each of ``team`` sees them."""
    units = np.arange(scenario.units)[:: 1 if team == 0 else -1].tolist()
    viewers = range(scenario.units)[scenario.members(team)]
    return np.array([[unit for unit in units if unit != viewer] for viewer in viewers])


def _scaled(battle: Battle) -> tuple[np.ndarray, np.ndarray]:
    """Health and cooldowns of all units, in [0, 1]."""
    health = battle.health / column(battle.types, "health")
    cooldowns = battle.cooldowns / column(battle.types, "cooldown")
    return health, np.clip(cooldowns, 0, 1)
