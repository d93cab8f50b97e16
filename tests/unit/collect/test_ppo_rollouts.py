"""PPO's rollouts: time limits and falls, scaled rewards; its rate and its clipping."""

import dataclasses

import numpy as np
import pytest
import torch

from trajprompt.collect.options import PpoOptions, TeacherOptions
from trajprompt.collect.ppo import Ppo, Rollout
from trajprompt.collect.ppo_teacher import PpoTeacher
from trajprompt.tasks.registry import get_suite
from trajprompt.tasks.simulator import Simulator, Step

SUITE = dataclasses.replace(get_suite("hopper-medium"), horizon=2)
STAYS, FALLS_FIRST, FALLS_LAST = range(3)  # rows


class Falling(Simulator):
    """Three rows: one meets the time limit, one falls at once, one on the last step.

    The first element of an observation tells row, episode and age; a reward is the row's
    number plus 1, times the number of the control step.
    """

    def __init__(self):
        super().__init__(SUITE, np.zeros(3, np.int64))
        self.episodes, self.ages, self.now = np.zeros(3), np.zeros(3), 0

    def reset(self, seeds, rows=None):
        rows = np.ones(3, bool) if rows is None else rows
        self.episodes[rows] += 1
        self.ages[rows] = 0
        return self.observations()

    def observations(self):
        found = np.zeros((3, SUITE.state_dim), np.float32)
        found[:, 0] = 100 * np.arange(3) + 10 * self.episodes + self.ages
        return found

    def step(self, actions):
        self.ages += 1
        self.now += 1
        fell = np.array([False, True, self.ages[FALLS_LAST] == 2])
        rewards = np.array([1.0, 2.0, 3.0]) * self.now
        return Step(self.observations(), rewards, fell, fell)


OPTIONS = PpoOptions(rows=3, rollout=4, minibatch=12, epochs=1, discount=0.5)


@pytest.fixture
def teacher():
    return PpoTeacher(Falling(), OPTIONS, TeacherOptions(steps=48, snapshot_every=24), 3)


def test_only_a_time_limit_has_the_value_of_the_state_that_it_cut_off(teacher):
    """A value is here the first element of an observation, not normalised."""
    teacher.ppo.normalise = lambda observations: observations.astype(np.float32)
    teacher.ppo.values = lambda features: features[:, 0]
    rollout = teacher._play()
    expected = np.zeros((4, 3))
    expected[1, STAYS], expected[3, STAYS] = 12, 22  # before their resets
    np.testing.assert_array_equal(rollout.end_values, expected)
    assert rollout.ends[:, STAYS].tolist() == [False, True, False, True]
    assert rollout.ends[:, FALLS_FIRST].all()
    assert rollout.ends[:, FALLS_LAST].tolist() == [False, True, False, True]
    np.testing.assert_array_equal(rollout.last_values, [30, 150, 230])


def scaled(rewards, ended):
    """Rewards (T, N) by the deviation of all discounted sums so far, by definition."""
    sums, found = [], []
    for now, of_step in enumerate(rewards):
        before = np.where(ended[now - 1], 0.0, sums[-1]) if now else 0.0
        sums.append(of_step + OPTIONS.discount * before)
        found.append(of_step / np.sqrt(np.var(sums) + 1e-8))
    return np.array(found)


def test_rewards_of_a_rollout_are_scaled_and_those_of_the_data_are_not(teacher):
    rollout = teacher._play()
    rewards = np.outer([1, 2, 3, 4], [1.0, 2.0, 3.0])
    np.testing.assert_allclose(rollout.rewards, scaled(rewards, rollout.ends))
    np.testing.assert_array_equal(teacher.recorder.rewards[:4], rewards)


def test_discounted_sums_begin_again_with_an_episode():
    ppo = new_ppo(OPTIONS)
    ppo.scale_rewards(np.array([1.0, 2.0]), np.array([False, True]))
    found = ppo.scale_rewards(np.array([3.0, 4.0]), np.zeros(2, bool))
    np.testing.assert_array_equal(ppo.sums, [3.5, 4.0])
    deviation = np.std([1.0, 2.0, 3.5, 4.0])
    np.testing.assert_allclose(found, np.array([3.0, 4.0]) / deviation)


def new_ppo(options, rows=2):
    draws = (torch.Generator().manual_seed(seed) for seed in (0, 1))
    return Ppo(3, 2, rows, options, *draws)


def rollout_of(ppo):
    """Eight steps of two rows under the policy of ``ppo``, with random rewards."""
    numbers = np.random.default_rng(5)
    kept = []
    for _ in range(8):
        features = numbers.standard_normal((2, 3)).astype(np.float32)
        ended = numbers.random(2) < 0.3
        kept.append((features, *ppo.act(features), numbers.random(2), ended, np.zeros(2)))
    return Rollout(*(np.stack(column) for column in zip(*kept, strict=True)), np.zeros(2))


def gradient(clip):
    """Gradient of the only step on a rollout, as the optimiser received it."""
    options = dataclasses.replace(OPTIONS, minibatch=16, gradient_clip=clip)
    ppo = new_ppo(options)
    ppo.learn(rollout_of(ppo), 0.0, torch.Generator().manual_seed(2))
    assert ppo.optimiser.updates == 1
    return ppo.vector.grad


def test_the_norm_of_a_gradient_is_clipped():
    whole = gradient(1e6)
    norm = whole.norm().item()
    assert norm > 0.1
    torch.testing.assert_close(gradient(0.01), whole * (0.01 / norm), rtol=1e-4, atol=1e-9)
    torch.testing.assert_close(gradient(2 * norm), whole)  # it is not enlarged


def test_the_learning_rate_falls_linearly_to_0(teacher):
    rates = []
    for update in range(teacher.total):
        teacher.advance(update)
        rates.append(teacher.ppo.optimiser.learning_rate)
    assert rates == pytest.approx([3e-4, 2.25e-4, 1.5e-4, 0.75e-4])
    ppo = new_ppo(OPTIONS)
    rollout, before = rollout_of(ppo), ppo.vector.detach().clone()
    ppo.learn(rollout, 1.0, torch.Generator())
    assert torch.equal(ppo.vector, before)
    ppo.learn(rollout, 0.5, torch.Generator())
    assert not torch.equal(ppo.vector, before)
