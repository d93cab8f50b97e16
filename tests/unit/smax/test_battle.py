"""Rules of a battle: hits, cooldowns, moves, the map's edge, pushes, rewards."""

import numpy as np
import pytest

from trajprompt.errors import TrajpromptError
from trajprompt.smax.battle import LIMIT, SIZE, STOP, Battle, Draws, draw
from trajprompt.smax.scenarios import MOVES, SCENARIOS, get_scenario

MAP = get_scenario("3m")


def battle(positions=None, scenario=MAP, delay=0.0):
    """A battle without random numbers; ``positions`` (U, 2) replace the start."""
    units = scenario.units
    offsets = np.zeros((1, 2, units), np.float32)
    offsets[0, 1] = np.linspace(-1.9, 1.9, units)
    delays = np.full((1, LIMIT, units), delay, np.float32)
    made = Battle(scenario, Draws(offsets, delays))
    if positions is not None:
        made.positions[:] = np.array(positions, np.float32).T[:, :, None]
    return made


def face_to_face(**options):
    """Each ally has an enemy 3 to its right; pairs are 6 apart."""
    left = [(10, 8), (10, 14), (10, 20)]
    return battle([*left, *((x + 3, y) for x, y in left)], **options)


def actions(*units):
    return np.array([units])


STILL = actions(STOP, STOP, STOP)


def test_a_marine_kills_a_marine_with_five_hits():
    made, hits, health = face_to_face(), 0, [45.0]
    while made.alive[3, 0]:
        made.step(actions(MOVES, STOP, STOP), STILL)
        health.append(made.health[3, 0])
        hits += health[-1] < health[-2]
    assert hits == 5  # ceil(45 / 9)
    assert health[-1] == 0
    # A hit every 10 sub-steps: 0.61 s is between 9 and 10 of them. The fifth is in the
    # 41st, so in the sixth decision of 8.
    assert made.time == 6


def test_a_hit_starts_the_cooldown_with_its_delay():
    made = face_to_face(delay=0.1)
    made.step(actions(MOVES, STOP, STOP), STILL)
    assert made.cooldowns[0, 0] == pytest.approx(0.61 + 0.1 - 7 / 16)
    assert made.cooldowns[1, 0] == -8 / 16


def test_enemies_number_their_opponents_in_reverse():
    made = face_to_face()
    made.step(STILL, actions(MOVES + 2, STOP, STOP))
    np.testing.assert_array_equal(made.health[:, 0], [36, 45, 45, 45, 45, 45])


def test_units_that_shoot_at_once_kill_each_other():
    made = face_to_face()
    made.health[[0, 3]] = 1
    made.step(actions(MOVES, STOP, STOP), actions(MOVES + 2, STOP, STOP))
    assert not made.alive[[0, 3], 0].any()


def test_targets_out_of_range_or_dead_are_not_hit():
    made = face_to_face()
    made.positions[0, 3] = 15  # in range are those nearer than 5
    made.health[4], made.alive[4] = 0, False
    made.step(actions(MOVES, MOVES + 1, STOP), STILL)
    np.testing.assert_array_equal(made.health[:, 0], [45, 45, 45, 45, 0, 45])
    assert (made.cooldowns[:2] < 0).all()


def test_moves_have_the_speed_of_the_type():
    made = face_to_face()
    before = made.positions.copy()
    made.step(actions(0, 1, 2), actions(3, STOP, STOP))
    moved = (made.positions - before)[:, :, 0].T
    way = 3.15 / 2  # half a second
    expected = [(0, way), (way, 0), (0, -way), (-way, 0), (0, 0), (0, 0)]
    np.testing.assert_allclose(moved, expected, atol=1e-5)


def test_units_that_leave_the_map_die():
    made = face_to_face()
    made.positions[1, 0] = SIZE - 0.1
    outcome = made.step(actions(0, STOP, STOP), STILL)
    assert made.health[0, 0] == 0 and not made.alive[0, 0]
    assert made.positions[1, 0, 0] == SIZE
    np.testing.assert_allclose(outcome.rewards[0], [0, 1 / 3])


def test_overlapping_units_are_pushed_apart_and_the_dead_are_not():
    made = face_to_face()
    made.positions[:, 1] = made.positions[:, 0] + np.array([[0.5], [0]])
    made.positions[:, 4] = made.positions[:, 3] + np.array([[0.5], [0]])
    made.health[4], made.alive[4] = 0, False
    before = made.positions.copy()
    made.step(STILL, STILL)
    apart = made.positions[0, 1, 0] - made.positions[0, 0, 0]
    assert apart == pytest.approx(0.75, abs=1e-4)  # two radii
    np.testing.assert_array_equal(made.positions[:, 3:], before[:, 3:])
    middle = made.positions[0, :2, 0].mean()
    assert middle == pytest.approx(before[0, :2, 0].mean(), abs=1e-5)


def test_rewards_are_shares_of_health_and_a_bonus_for_winning():
    made = face_to_face()
    outcome = made.step(actions(MOVES, STOP, STOP), actions(STOP, MOVES + 1, MOVES))
    np.testing.assert_allclose(outcome.rewards[0], [0.2 / 3, 0.4 / 3], rtol=1e-6)
    assert not outcome.ended[0]
    made.health[3:5], made.alive[3:5], made.health[5] = 0, False, 9
    made.cooldowns[2] = 0
    outcome = made.step(actions(STOP, STOP, MOVES + 2), STILL)
    np.testing.assert_allclose(outcome.rewards[0], [0.2 / 3 + 1, 0], rtol=1e-6)
    assert outcome.ended[0] and outcome.winners[0].tolist() == [True, False]


def test_neither_team_wins_if_both_die_at_once():
    made = face_to_face()
    for units in ([1, 2], [4, 5]):
        made.health[units], made.alive[units] = 0, False
    made.health[[0, 3]] = 1
    outcome = made.step(actions(MOVES, STOP, STOP), actions(MOVES + 2, STOP, STOP))
    assert outcome.ended[0] and not outcome.winners.any()
    np.testing.assert_allclose(outcome.rewards[0], 1 / 45 / 3, rtol=1e-6)


def test_time_ends_a_battle():
    made = battle()
    ends = [made.step(STILL, STILL).ended[0] for _ in range(LIMIT)]
    assert ends == [False] * (LIMIT - 1) + [True]


@pytest.mark.parametrize("name", SCENARIOS)
def test_health_lost_is_the_damage_of_the_hits(name):
    """A hit is a cooldown that rises, and a target loses at most what it has."""
    scenario = SCENARIOS[name]
    generator = np.random.default_rng(0)
    made = Battle(scenario, draw(scenario, [np.random.default_rng(i) for i in range(4)]))
    made.positions[:] = 16 + generator.uniform(-2, 2, made.positions.shape)
    hits = 0
    for _ in range(30):
        before, cooldowns, alive = (
            made.health.copy(),
            made.cooldowns.copy(),
            made.alive.copy(),
        )
        chosen = [
            generator.integers(MOVES, scenario.actions(team), (4, count))
            for team, count in enumerate((scenario.allies, scenario.enemies))
        ]
        made.step(*chosen)
        hit = made.cooldowns > cooldowns - 7.5 / 16
        damage = np.zeros_like(before)
        for unit, row in np.argwhere(hit):
            team = int(unit >= scenario.allies)
            index = chosen[team][row, unit - team * scenario.allies] - MOVES
            damage[scenario.opponents(team)[index], row] += made._damage[unit]
        np.testing.assert_array_equal(made.health, np.maximum(before - damage, 0))
        assert not (hit & ~alive).any()
        hits += hit.sum()
    assert hits > 100


def test_draws_of_a_battle_do_not_depend_on_the_others():
    alone = draw(MAP, [np.random.default_rng(3)])
    together = draw(MAP, [np.random.default_rng(i) for i in range(5)])
    for one, many in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one[0], many[3])
    assert np.abs(together.offsets).max() < 2
    assert -1 / 16 <= together.delays.min() < together.delays.max() <= 2 / 16


def test_the_error_for_an_unknown_scenario_names_the_known_ones():
    with pytest.raises(TrajpromptError, match="found '3z'; expected one of 3m, 8m, 2s3z"):
        get_scenario("3z")
