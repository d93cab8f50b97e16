"""Windows and histories against the episodes that they are cut from."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from support.cmt_problem import DISCOUNT, HISTORY, LENGTH, episodes, table
from trajprompt.offline.cmt.windows import returns_to_go

TASK = episodes()
TABLE = table(TASK)


@given(st.integers(0, len(TASK.rewards) - 1))
def test_a_window_has_the_steps_from_its_start_to_the_end_of_the_episode(start):
    found = TABLE.batch(torch.tensor([[start]]))
    episode = int(np.searchsorted(TASK.episode_ends, start, side="right"))
    end = min(start + LENGTH, TASK.episode_ends[episode])
    count = end - start
    assert found.mask[0, 0].tolist() == [n < count for n in range(LENGTH)]
    assert found.episodes.item() == episode
    expected = TASK.observations[start:end]
    np.testing.assert_array_equal(found.states[0, 0, :count], expected)
    np.testing.assert_array_equal(found.actions[0, 0, :count], TASK.actions[start:end])
    rewards = TASK.rewards[start:end] / TABLE.reward_scale
    np.testing.assert_allclose(found.rewards[0, 0, :count], rewards, rtol=1e-6)
    following = np.append(
        TASK.observations[start + 1 : TASK.episode_ends[episode]],
        TASK.final_observations[episode : episode + 1],
        axis=0,
    )[:count]
    changes = found.changes[0, 0, :count] * TABLE.change_scale
    np.testing.assert_allclose(changes, following - expected, atol=1e-5)


@given(st.integers(0, len(TASK.rewards) - 1))
def test_a_history_ends_before_the_window_and_stays_in_the_episode(start):
    found = TABLE.batch(torch.tensor([[start]])).history
    episode = int(np.searchsorted(TASK.episode_ends, start, side="right"))
    first = max(TASK.starts[episode], start - HISTORY)
    count = start - first
    assert found.mask[0, 0].tolist() == [n >= HISTORY - count for n in range(HISTORY)]
    kept = found.mask[0, 0]
    np.testing.assert_array_equal(found.states[0, 0, kept], TASK.observations[first:start])
    np.testing.assert_array_equal(found.actions[0, 0, kept], TASK.actions[first:start])
    assert not found.states[0, 0, ~kept].any()


@given(st.integers(0, len(TASK.rewards) - 1), st.floats(0, 1, exclude_max=True, width=32))
def test_another_history_is_of_the_same_episode_and_not_empty(start, place):
    found = TABLE.other_history(torch.tensor([start]), torch.tensor([place]))
    kept = found.mask[0]
    assert kept[-1]
    episode = int(np.searchsorted(TASK.episode_ends, start, side="right"))
    of_episode = TASK.observations[TASK.starts[episode] : TASK.episode_ends[episode]]
    for state in found.states[0, kept]:
        assert (of_episode == state.numpy()).all(1).any()


def test_returns_to_go_are_discounted_sums_within_the_episode():
    rewards, ends = np.array([1.0, 2.0, 4.0, 8.0]), np.array([3, 4])
    found = returns_to_go(rewards, ends, 0.5)
    assert found.tolist() == [1 + 1 + 1, 2 + 2, 4, 8]


def test_values_are_scaled_by_one_less_the_discount():
    sums = returns_to_go(TASK.rewards / TABLE.reward_scale, TASK.episode_ends, DISCOUNT)
    found = TABLE.batch(torch.arange(len(TABLE))[None]).values[0, :, 0]
    np.testing.assert_allclose(found, (1 - DISCOUNT) * sums, rtol=1e-5, atol=1e-6)


def test_rewards_and_changes_have_a_mean_square_of_one():
    found = TABLE.batch(torch.arange(len(TABLE))[None])
    assert found.rewards[0, :, 0].square().mean() == pytest.approx(1, rel=1e-5)
    deviations = found.changes[0, :, 0].std(0, correction=0)
    torch.testing.assert_close(deviations, torch.ones(3))
