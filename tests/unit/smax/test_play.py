"""Episodes against the built-in enemy."""

import numpy as np
import pytest

from trajprompt import seeds
from trajprompt.smax.battle import LIMIT, STOP
from trajprompt.smax.observations import width
from trajprompt.smax.play import built_in, play
from trajprompt.smax.scenarios import get_scenario


def streams(count, name="test"):
    return seeds.children(seeds.stream(0, name), count)


@pytest.mark.parametrize("name", ["3m", "8m", "2s3z"])
def test_equal_teams_of_equal_players_win_equally_often(name):
    """Win minus loss has mean 0 and a variance of at most 1: within 4 standard errors."""
    count = 400
    found = play(get_scenario(name), streams(count), built_in())
    difference = found.wins.mean() - found.losses.mean()
    assert abs(difference) < 4 / np.sqrt(count)
    assert found.wins.mean() + found.losses.mean() > 0.9


def test_noise_makes_the_player_worse():
    results = [play(get_scenario("3m"), streams(200), built_in(p)) for p in (0, 0.3, 1)]
    wins = [found.wins.mean() for found in results]
    assert wins[0] > 0.35 > 0.2 > wins[1] > wins[2]
    assert results[2].returns.mean() < 0.3


@pytest.mark.parametrize("name", ["2s3z", "5m_vs_6m"])
def test_the_bits_of_an_episode_do_not_depend_on_the_batch(name):
    scenario, all_streams = get_scenario(name), streams(6)
    together = play(scenario, all_streams, built_in(0.3), record=True)
    for index in (0, 4):
        alone = play(scenario, [all_streams[index]], built_in(0.3), record=True)
        length = alone.lengths[0]
        assert together.lengths[index] == length
        for quantity in ("returns", "wins", "losses"):
            assert getattr(alone, quantity)[0] == getattr(together, quantity)[index]
        for quantity in ("observations", "available", "actions", "rewards"):
            one = getattr(alone.records, quantity)[0]
            many = getattr(together.records, quantity)[index]
            assert one.tobytes() == many[:length].tobytes()
            assert not many[length:].any()


def test_episodes_are_repeated_exactly():
    first, second = (
        play(get_scenario("8m"), streams(5), built_in(0.3), record=True) for _ in range(2)
    )
    for quantity in ("observations", "available", "actions", "rewards"):
        one, other = (getattr(found.records, quantity) for found in (first, second))
        assert one.tobytes() == other.tobytes()


def test_records_are_those_of_the_episodes():
    scenario = get_scenario("5m_vs_6m")
    found = play(scenario, streams(8), built_in(1.0), record=True)
    records, longest = found.records, found.lengths.max()
    assert records.observations.shape == (8, longest, 5, width(scenario))
    assert records.available.shape == (8, longest, 5, 11)
    np.testing.assert_allclose(records.rewards.sum(axis=1), found.returns, rtol=1e-5)
    played = np.arange(longest) < found.lengths[:, None]
    chosen = np.take_along_axis(records.available, records.actions[..., None], axis=3)
    assert chosen[played].all()  # random actions are available ones
    np.testing.assert_array_equal(records.available.any(axis=(2, 3)), played)


def test_policies_may_be_functions():
    def stop(battle, streams):
        return lambda battle: np.full((battle.rows, 3), STOP)

    found = play(get_scenario("3m"), streams(4), stop)
    assert (
        found.losses.all() and (found.returns == 0).all() and (found.lengths < LIMIT).all()
    )
