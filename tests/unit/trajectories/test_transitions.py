"""Transitions of episodes: next states, terminations and time limits, logged actions."""

import dataclasses

import numpy as np
import torch

from trajprompt.trajectories.episodes import (
    FINAL_OBSERVATIONS,
    REPEATED,
    TaskTrajectories,
)
from trajprompt.trajectories.transitions import Transitions, best_episodes


def task(returns=(3.0, 1.0, 2.0)):
    """Episodes of 2, 1 and 3 steps; the first terminated, the others met the limit."""
    ends = np.array([2, 3, 6])
    rewards = np.zeros(6, np.float32)
    rewards[ends - 1] = returns
    states = np.arange(12, dtype=np.float32).reshape(6, 2)
    return TaskTrajectories(
        task=0,
        goal=np.zeros(1),
        observations=states,
        actions=np.arange(6, dtype=np.float32)[:, None] / 10,
        rewards=rewards,
        terminations=np.array([0, 1, 0, 0, 0, 0], bool),
        episode_ends=ends,
        final_observations=np.array([[100, 101], [200, 201], [300, 301]], np.float32),
        behaviour_step=np.zeros(3, np.int64),
    )


def all_transitions(found):
    return found.batch(torch.arange(6)[None])


def test_next_states_stay_within_an_episode():
    batch = all_transitions(Transitions.of(task(), np.zeros(2), np.ones(2), "cpu"))
    expected = [[2, 3], [100, 101], [200, 201], [8, 9], [10, 11], [300, 301]]
    assert batch.next_states[0].tolist() == expected
    assert batch.followed[0].tolist() == [1, 0, 0, 1, 1, 0]
    torch.testing.assert_close(
        batch.next_actions[0, :, 0], torch.tensor([0.1, 0, 0, 0.4, 0.5, 0])
    )


def test_only_terminations_end_bootstrapping():
    batch = all_transitions(Transitions.of(task(), np.zeros(2), np.ones(2), "cpu"))
    assert batch.terminations[0].tolist() == [0, 1, 0, 0, 0, 0]


def test_a_false_next_state_at_a_time_limit_is_left_out():
    """As in a file without next observations: finals repeat the last observations."""
    source = {FINAL_OBSERVATIONS: REPEATED}
    finals = task().observations[task().episode_ends - 1]
    repeated = dataclasses.replace(task(), final_observations=finals, attributes=source)
    found = Transitions.of(repeated, np.zeros(2), np.ones(2), "cpu")
    batch = found.batch(torch.arange(len(found))[None])
    # Rows 2 and 5 ended at a limit; row 1 terminated, and its next state is not used.
    assert batch.states[0, :, 0].tolist() == [0, 2, 6, 8]
    assert batch.terminations[0].tolist() == [0, 1, 0, 0]
    assert batch.next_states[0, [0, 2, 3], 0].tolist() == [2, 8, 10]
    assert batch.followed[0].tolist() == [1, 0, 1, 1]
    torch.testing.assert_close(
        batch.next_actions[0, :, 0], torch.tensor([0.1, 0, 0.4, 0.5])
    )


def test_next_states_that_the_source_has_are_kept():
    """Of two sources of a task, one may have them; a robot may also not move."""
    finals = task().final_observations
    finals[1] = task().observations[2]  # the second episode's is repeated
    mixed = dataclasses.replace(task(), final_observations=finals)
    table = Transitions.of(mixed, np.zeros(2), np.ones(2), "cpu")
    assert len(table) == 6
    mixed = dataclasses.replace(mixed, attributes={FINAL_OBSERVATIONS: REPEATED})
    table = Transitions.of(mixed, np.zeros(2), np.ones(2), "cpu")
    assert table.batch(torch.arange(5)[None]).states[0, :, 0].tolist() == [0, 2, 6, 8, 10]


def test_states_are_normalised_and_rewards_scaled():
    mean, std = np.array([1.0, 2.0]), np.array([2.0, 4.0])
    batch = all_transitions(Transitions.of(task(), mean, std, "cpu", reward_scale=0.5))
    assert batch.states[0, 1].tolist() == [0.5, 0.25]
    assert batch.next_states[0, 1].tolist() == [49.5, 24.75]
    assert batch.rewards[0].tolist() == [0, 1.5, 0.5, 0, 0, 1.0]


def test_the_best_episodes_are_those_with_the_highest_returns():
    assert best_episodes(task(), 0.7).returns.tolist() == [3.0, 2.0]
    assert best_episodes(task(), 0.1).returns.tolist() == [3.0]
