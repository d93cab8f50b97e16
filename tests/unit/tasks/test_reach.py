"""The batched reach simulator against Meta-World's environments, stepped singly."""

import pickle
import warnings

import numpy as np
import pytest
from metaworld.policies.sawyer_reach_v3_policy import SawyerReachV3Policy

from support.metaworld_reference import (
    PINNED_MUJOCO,
    TASKS,
    action_sequences,
    metaworld_environment,
)
from trajprompt.collect.experts import ScriptedPolicy
from trajprompt.rollout.loop import rollout
from trajprompt.tasks.registry import get_suite, make_simulator
from trajprompt.tasks.suites import read_table


@pytest.mark.parametrize("threads", [1, 2])
def test_bit_equal_to_metaworld(threads):
    """With another MuJoCo than the pinned one, rewards differ by rounding."""
    tolerance = 0 if PINNED_MUJOCO else 1e-14
    simulator = make_simulator(get_suite("reach"), TASKS, threads)
    environments = [metaworld_environment(task) for task in TASKS]
    for _ in range(2):  # a second episode, after the first one
        observations = simulator.reset(np.zeros(len(TASKS), int))
        expected = np.array([environment.reset()[0] for environment in environments])
        np.testing.assert_array_equal(observations, expected.astype(np.float32))
        for actions in action_sequences():
            step = simulator.step(actions)
            for row, environment in enumerate(environments):
                observation, reward, _, _, info = environment.step(actions[row])
                np.testing.assert_array_equal(
                    step.observations[row], observation.astype(np.float32)
                )
                np.testing.assert_array_equal(
                    simulator.expert_observations[row, :36], observation[:36]
                )
                assert step.rewards[row] == pytest.approx(reward, rel=tolerance, abs=0)
                assert step.successes[row] == bool(info["success"])
            assert not step.terminations.any()


def test_the_goal_is_hidden_except_from_the_expert():
    suite = get_suite("reach")
    simulator = make_simulator(suite, TASKS)
    hidden = simulator.reset(np.zeros(len(TASKS), int))
    assert not hidden[:, 36:].any()
    assert not simulator.step(np.ones((len(TASKS), 4))).observations[:, 36:].any()
    np.testing.assert_array_equal(simulator.expert_observations[:, 36:], suite.goals[TASKS])


def test_the_expert_equals_metaworlds_and_returns_the_papers_650():
    suite = get_suite("reach")
    simulator = make_simulator(suite, np.arange(1, 21), 2)
    episodes = rollout(simulator, ScriptedPolicy(simulator), np.zeros(20, int), True)
    assert episodes.returns.mean() == pytest.approx(650, abs=5)
    assert episodes.successes.all()
    environment = metaworld_environment(7, hidden=False)
    observation, returns = environment.reset()[0], 0.0
    for _ in range(suite.horizon):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of clipped actions
            action = SawyerReachV3Policy().get_action(observation)
        observation, reward, _, _, _ = environment.step(action)
        returns += reward
    assert episodes.returns[6] == returns


def test_goals_equal_metaworlds_benchmark():
    from metaworld import ML1

    tasks = ML1("reach-v3", seed=1).train_tasks
    vectors = np.array([pickle.loads(task.data)["rand_vec"] for task in tasks])
    np.testing.assert_array_equal(read_table("reach.csv"), vectors)


@pytest.mark.parametrize("name", ["reach", "pick-place"])
def test_varied_starts_depend_on_the_reset_alone(name):
    suite = get_suite(name)
    varied = suite.with_varied_starts()
    tasks, seeds = np.repeat(suite.test_tasks[:2], 8), np.tile(2 * np.arange(8), 2)
    simulator = make_simulator(varied, tasks, 2)
    first = simulator.reset(seeds)
    simulator.step(np.ones((len(tasks), 4)))  # leaves no trace in the next start
    np.testing.assert_array_equal(simulator.reset(seeds), first)
    alone = make_simulator(varied, tasks[-1:]).reset(seeds[-1:])
    np.testing.assert_array_equal(alone[0], first[-1])
    hands = first[:, :3].reshape(2, 8, 3)
    np.testing.assert_array_equal(hands[0], hands[1])  # equal for all tasks
    assert len(np.unique(hands[0], axis=0)) == 8


@pytest.mark.parametrize("name", ["reach", "pick-place"])
def test_varied_starts_move_the_hand_by_up_to_a_centimetre_and_nothing_else(name):
    suite = get_suite(name)
    tasks = np.full(50, suite.test_tasks[0])
    home = make_simulator(suite, tasks[:1]).reset(np.zeros(1, int))[0]
    starts = make_simulator(suite.with_varied_starts(), tasks).reset(np.arange(50))
    shifts = starts - home
    settled = 0.004  # metres: the hand has come to rest, at home it has not quite
    assert np.abs(shifts[:, :3]).max() < suite.start_shift + settled
    assert np.ptp(shifts[:, :3], axis=0).max() < 2 * suite.start_shift
    assert (shifts[:, :3].std(axis=0) > suite.start_shift / 3).all()  # uniform: 0.58
    np.testing.assert_allclose(starts[:, 3:18], np.tile(home[3:18], (50, 1)), atol=1e-3)
    np.testing.assert_allclose(starts[:, 3:18].std(axis=0), 0, atol=1e-5)


def test_only_suites_with_equal_resets_have_varied_starts():
    from trajprompt.tasks.registry import SUITE_NAMES

    for suite in map(get_suite, SUITE_NAMES):
        assert (suite.start_shift > 0) == suite.deterministic_resets, suite.name
