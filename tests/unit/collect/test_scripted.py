"""Scripted buffers: time order, levels, hidden goals. For the point: test_point.py."""

import numpy as np
import pytest

from trajprompt.collect.scripted import ScriptedOptions, collect_scripted
from trajprompt.errors import TrajpromptError
from trajprompt.settings.options import parse_options
from trajprompt.tasks.registry import get_suite, suites_with_expert

SMALL = ScriptedOptions(episodes=6)


def buffers(suite="reach", threads=1, options=SMALL):
    stream = np.random.SeedSequence(5)
    return collect_scripted(get_suite(suite), [3, 6], options, stream, threads)


@pytest.mark.parametrize(
    ("suite", "medium_noise", "most_random", "most_medium"),
    [("reach", 2.0, 250, 620), ("pick-place", 0.4, 10, 450)],
)
def test_levels_rise_in_time_order(suite, medium_noise, most_random, most_medium):
    options = ScriptedOptions(episodes=6, medium_noise=medium_noise)
    for task, buffer in zip([3, 6], buffers(suite, options=options), strict=True):
        buffer.check("buffer")
        assert buffer.task == task and buffer.num_episodes == 6
        random, medium, expert = buffer.returns.reshape(3, 2).mean(axis=1)
        assert random < most_random < medium < most_medium < expert
        assert (np.diff(buffer.behaviour_step) > 0).all()
        assert np.abs(buffer.actions).max() <= 1
        assert not buffer.observations[:, 36:].any()


@pytest.mark.parametrize("suite", suites_with_expert())
def test_episodes_of_a_level_differ_and_runs_are_identical(suite):
    first, again = buffers(suite), buffers(suite, threads=2)
    ends = first[0].final_observations
    assert len(np.unique(ends, axis=0)) == 6
    for one, other in zip(first, again, strict=True):
        one.check(suite)
        np.testing.assert_array_equal(one.observations, other.observations)
        np.testing.assert_array_equal(one.actions, other.actions)


def test_stored_steps_are_consecutive():
    suite, buffer = get_suite("reach"), buffers()[0]
    episode = buffer.observations[: suite.horizon]
    # The first half of a state is the second half of the next.
    np.testing.assert_array_equal(episode[1:, 18:36], episode[:-1, :18])
    np.testing.assert_array_equal(buffer.final_observations[0, 18:36], episode[-1, :18])


def test_a_suite_without_a_scripted_expert_is_refused():
    with pytest.raises(TrajpromptError):
        collect_scripted(
            get_suite("cheetah-vel"), [0], ScriptedOptions(6), np.random.SeedSequence(0)
        )


@pytest.mark.parametrize("episodes", [0, 4])
def test_the_number_of_episodes_is_a_multiple_of_three(episodes):
    with pytest.raises(TrajpromptError, match=f"episodes: found {episodes}"):
        parse_options(ScriptedOptions, {"episodes": episodes}, "here")
