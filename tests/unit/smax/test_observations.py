"""What units see, by hand; test_reference.py compares all features with jaxmarl's."""

import numpy as np
import pytest

from trajprompt.smax.battle import LIMIT, STOP, Battle, Draws
from trajprompt.smax.observations import OTHER, OWN, available, observe, width
from trajprompt.smax.scenarios import MOVES, get_scenario

MAP = get_scenario("3s5z_vs_3s6z")


@pytest.fixture
def battle():
    """The first stalkers of both teams are 5 apart; all others are far away."""
    units = MAP.units
    delays = np.zeros((1, LIMIT, units), np.float32)
    made = Battle(MAP, Draws(np.zeros((1, 2, units), np.float32), delays))
    made.positions[0, :, 0] = np.where(np.arange(units) < MAP.allies, 2, 30)
    made.positions[1, :, 0] = np.linspace(2, 30, units)
    made.positions[:, 0], made.positions[:, MAP.allies] = [[13], [16]], [[18], [16]]
    return made


def test_sizes(battle):
    assert width(MAP) == 16 * OTHER + OWN == 218
    for team, members in enumerate((MAP.allies, MAP.enemies)):
        assert observe(battle, team).shape == (1, members, 218)
        assert available(battle, team).shape == (1, members, MAP.actions(team))


def test_a_stalker_sees_another(battle):
    battle.health[MAP.allies] = 80
    battle.cooldowns[MAP.allies] = 9
    battle.moved[:, MAP.allies] = [[0], [-1]]
    battle.attacked[MAP.allies] = MOVES + 7
    seen = observe(battle, 0)[0, 0]
    far, own = seen[:-OWN].reshape(-1, OTHER), seen[-OWN:]
    first = MAP.allies - 1  # after the other allies
    stalker = [0, 0, 1, 0, 0, 0]
    np.testing.assert_allclose(far[first], [0.5, 0.5, 0, 0, -1, 1, 1, *stalker])
    assert not np.delete(far, first, axis=0).any()  # out of sight
    np.testing.assert_allclose(own, [1, 13 / 32, 0.5, 0, *stalker])
    # To an enemy, the first ally is the last unit of all.
    other = observe(battle, 1)[0, 0, :-OWN].reshape(-1, OTHER)
    np.testing.assert_allclose(other[-1], [1, -0.5, 0, 0, 0, 0, 0, *stalker])


def test_available_actions(battle):
    moves = [True] * MOVES
    np.testing.assert_array_equal(available(battle, 0)[0, 0], [*moves, True, *[False] * 8])
    np.testing.assert_array_equal(available(battle, 1)[0, 0], [*moves, *[False] * 7, True])
    np.testing.assert_array_equal(available(battle, 0)[0, 1], [*moves, *[False] * 9])


def test_the_dead_see_nothing_and_can_only_stop(battle):
    battle.health[0], battle.alive[0] = 0, False
    assert not observe(battle, 0)[0, 0].any()
    assert not observe(battle, 1)[0, 0, :-OWN].any()
    mask = available(battle, 0)[0, 0]
    assert mask[STOP] and mask.sum() == 1
    assert not available(battle, 1)[0, 0, MOVES:].any()
