"""Scripted buffers: time order, levels, hidden goals."""

import numpy as np
import pytest

from trajprompt.collect.options import SCRIPTED
from trajprompt.collect.scripted import EXPERTS, ScriptedOptions, collect_scripted
from trajprompt.errors import TrajpromptError
from trajprompt.tasks.suites import get_suite

SMALL = ScriptedOptions(episodes=6)


def buffers(threads=1, suite="reach"):
    stream = np.random.SeedSequence(5)
    return collect_scripted(get_suite(suite), [3, 6], SMALL, stream, threads)


@pytest.mark.parametrize(
    ("suite", "most_random", "most_medium"), [("reach", 250, 620), ("pick-place", 50, 450)]
)
def test_levels_rise_in_time_order(suite, most_random, most_medium):
    for task, buffer in zip([3, 6], buffers(suite=suite), strict=True):
        buffer.check("buffer")
        assert buffer.task == task and buffer.num_episodes == 6
        random, medium, expert = buffer.returns.reshape(3, 2).mean(axis=1)
        assert random < most_random < medium < most_medium < expert
        assert (np.diff(buffer.behaviour_step) > 0).all()
        assert np.abs(buffer.actions).max() <= 1
        assert not buffer.observations[:, 36:].any()


def test_episodes_of_a_level_differ_and_runs_do_not():
    first, again = buffers(threads=1), buffers(threads=2)
    assert len(set(first[0].returns.tolist())) == 6
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.observations, other.observations)
        np.testing.assert_array_equal(one.actions, other.actions)


def test_stored_steps_are_consecutive():
    suite, buffer = get_suite("reach"), buffers()[0]
    episode = buffer.observations[: suite.horizon]
    # The first half of a state is the second half of the next.
    np.testing.assert_array_equal(episode[1:, 18:36], episode[:-1, :18])
    np.testing.assert_array_equal(buffer.final_observations[0, 18:36], episode[-1, :18])


def test_suites_with_experts_are_those_that_a_config_may_script():
    assert tuple(EXPERTS) == SCRIPTED


@pytest.mark.parametrize(("suite", "episodes"), [("cheetah-vel", 6), ("reach", 4)])
def test_bad_requests(suite, episodes):
    with pytest.raises(TrajpromptError):
        collect_scripted(
            get_suite(suite), [0], ScriptedOptions(episodes), np.random.SeedSequence(0)
        )
