"""The rollout loop on a fake simulator with known values."""

import dataclasses

import numpy as np
import pytest

from trajprompt.errors import TrajpromptError
from trajprompt.rollout.loop import rollout
from trajprompt.tasks.registry import get_suite
from trajprompt.tasks.simulator import Step

HORIZON = 5


class CountingSimulator:
    """Row i observes the time, has rewards of i + 1 and terminates at step ``ends[i]``."""

    suite = dataclasses.replace(
        get_suite("cheetah-dir"), horizon=HORIZON, state_dim=1, action_dim=1
    )

    def __init__(self, ends, success_at=None):
        self.ends, self.success_at = np.array(ends), success_at
        self.tasks = np.zeros(len(ends), int)
        self.time, self.seeds = 0, None

    def reset(self, seeds, rows=None):
        self.time, self.seeds = 0, seeds
        return np.zeros((len(seeds), 1), np.float32)

    def step(self, actions):
        self.time += 1
        observations = np.full((len(self.tasks), 1), self.time, np.float32)
        rewards = np.arange(1.0, len(self.tasks) + 1)  # even after the end
        successes = np.full(len(self.tasks), self.time == self.success_at)
        return Step(observations, rewards, self.time >= self.ends, successes)


class TenTimesPolicy:
    def __init__(self):
        self.seen, self.received = [], []

    def act(self, observations):
        self.seen.append(observations.copy())
        return 10 * observations

    def receive(self, rewards):
        self.received.append(rewards.copy())


def test_rows_stop_counting_at_their_end():
    simulator = CountingSimulator([2, 99, 5])
    episodes = rollout(simulator, TenTimesPolicy(), np.arange(3))
    np.testing.assert_array_equal(episodes.lengths, [2, HORIZON, HORIZON])
    np.testing.assert_array_equal(episodes.returns, [1 * 2, 2 * HORIZON, 3 * HORIZON])
    np.testing.assert_array_equal(simulator.seeds, [0, 1, 2])
    assert episodes.observations is None


def test_stops_early_when_all_rows_ended():
    simulator = CountingSimulator([2, 3])
    policy = TenTimesPolicy()
    rollout(simulator, policy, np.zeros(2, int))
    assert simulator.time == 3 and len(policy.seen) == 3


def test_policy_sees_observations_and_only_counted_rewards():
    policy = TenTimesPolicy()
    rollout(CountingSimulator([2, 99]), policy, np.zeros(2, int))
    assert [seen[0, 0] for seen in policy.seen] == [0, 1, 2, 3, 4]
    assert [received[0] for received in policy.received] == [1, 1, 0, 0, 0]
    assert [received[1] for received in policy.received] == [2] * HORIZON


def test_record_has_every_step_and_zeros_after_the_end():
    episodes = rollout(CountingSimulator([2, 99]), TenTimesPolicy(), np.zeros(2, int), True)
    np.testing.assert_array_equal(episodes.observations[0, :, 0], [0, 1, 2, 0, 0, 0])
    np.testing.assert_array_equal(episodes.observations[1, :, 0], [0, 1, 2, 3, 4, 5])
    np.testing.assert_array_equal(episodes.actions[1, :, 0], [0, 10, 20, 30, 40])
    np.testing.assert_array_equal(episodes.rewards[0], [1, 1, 0, 0, 0])
    np.testing.assert_array_equal(episodes.terminations[0], [False, True] + [False] * 3)
    np.testing.assert_array_equal(episodes.rewards.sum(axis=1), episodes.returns)


def test_success_counts_only_while_the_episode_runs():
    episodes = rollout(CountingSimulator([2, 99], 4), TenTimesPolicy(), np.zeros(2, int))
    np.testing.assert_array_equal(episodes.successes, [False, True])


def test_wrong_number_of_seeds():
    with pytest.raises(TrajpromptError, match="seeds"):
        rollout(CountingSimulator([2, 2]), TenTimesPolicy(), np.zeros(3, int))
