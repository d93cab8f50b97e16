"""The batched pick-place simulator against Meta-World's environments, stepped singly."""

import pickle
import warnings

import numpy as np
import pytest
from metaworld.envs.sawyer_pick_place_v3 import SawyerPickPlaceEnvV3
from metaworld.policies.sawyer_pick_place_v3_policy import SawyerPickPlaceV3Policy

from support.metaworld_reference import (
    PINNED_MUJOCO,
    action_sequences,
    metaworld_environment,
)
from trajprompt.collect.experts import ScriptedPolicy
from trajprompt.rollout.loop import rollout
from trajprompt.tasks.registry import get_suite, make_simulator
from trajprompt.tasks.suites import read_table

SUITE = get_suite("pick-place")
TASKS = np.array([0, 23, 47])


def environments():
    table = "pick_place.csv"
    return [
        metaworld_environment(task, kind=SawyerPickPlaceEnvV3, table=table)
        for task in TASKS
    ]


def begin(simulator, references):
    observations = simulator.reset(np.zeros(len(TASKS), int))
    expected = np.array([reference.reset()[0] for reference in references])
    np.testing.assert_array_equal(observations, expected.astype(np.float32))


def assert_equal_step(simulator, references, actions):
    """Step both; return Meta-World's rewards, in Meta-World's types, and successes."""
    step, rewards = simulator.step(actions), []
    for row, reference in enumerate(references):
        observation, reward, _, _, info = reference.step(actions[row])
        expected = observation.astype(np.float32)
        np.testing.assert_array_equal(step.observations[row], expected)
        np.testing.assert_array_equal(
            simulator.expert_observations[row, :36], observation[:36]
        )
        assert step.rewards[row] == reward
        assert step.successes[row] == bool(info["success"])
        rewards.append(reward)
    assert not step.terminations.any()
    return rewards, step.successes


@pytest.mark.parametrize("threads", [1, 2])
def test_bit_equal_to_metaworld_at_random(threads):
    simulator, references = make_simulator(SUITE, TASKS, threads), environments()
    for _ in range(2):  # a second episode, after the first one
        begin(simulator, references)
        for actions in action_sequences():
            assert_equal_step(simulator, references, actions)


@pytest.mark.parametrize(
    ("noise", "kind", "grip"),
    [
        (0.0, np.float32, 1.0),
        (0.3, np.float32, 1.0),  # partial grips
        (0.0, np.float32, 1.5),  # grips out of bounds
        (0.3, np.float64, 1.0),
    ],
)
def test_bit_equal_to_metaworld_with_the_expert(noise, kind, grip):
    simulator, references = make_simulator(SUITE, TASKS), environments()
    policy = ScriptedPolicy(simulator, noise, np.random.default_rng(0))
    begin(simulator, references)
    seen, observations = [], np.zeros((3, 39))
    succeeded = np.zeros(len(TASKS), bool)
    for _ in range(SUITE.horizon):
        actions = policy.act(observations).astype(kind)
        actions[:, 3] *= grip
        rewards, successes = assert_equal_step(simulator, references, actions)
        seen += rewards
        succeeded |= successes
    # Every part of the reward occurred: approach, lift, near the goal, at the goal.
    parts = np.digitize(np.array(seen, float), (1.0, 4.0, 10.0))
    assert set(parts) >= ({0, 1, 2} if noise else {0, 1, 2, 3})
    assert noise or succeeded.all()
    rounded = any(isinstance(reward, np.float32) for reward in seen)
    assert rounded == (kind is np.float32 and grip == 1.0)


def test_the_goal_is_hidden_except_from_the_expert():
    simulator = make_simulator(SUITE, TASKS)
    hidden = simulator.reset(np.zeros(len(TASKS), int))
    assert not hidden[:, 36:].any()
    assert not simulator.step(np.ones((len(TASKS), 4))).observations[:, 36:].any()
    np.testing.assert_array_equal(simulator.expert_observations[:, 36:], SUITE.goals[TASKS])


@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_the_expert_equals_metaworlds(noise):
    simulator = make_simulator(SUITE, TASKS)
    expert = ScriptedPolicy(simulator)
    player = ScriptedPolicy(simulator, noise, np.random.default_rng(1))
    observations = simulator.reset(np.zeros(len(TASKS), int))
    for _ in range(SUITE.horizon):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of clipped actions
            seen = simulator.expert_observations
            expected = np.array([SawyerPickPlaceV3Policy().get_action(row) for row in seen])
        found = expert.act(observations)
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, np.clip(expected, -1, 1))
        observations = simulator.step(player.act(observations)).observations


@pytest.mark.skipif(not PINNED_MUJOCO, reason="a value of the pinned MuJoCo")
def test_expert_return_reaches_the_best_published_prompts():
    """It reaches 556.87 in no shorter horizon: the horizon was chosen by this."""
    simulator = make_simulator(SUITE, np.array(SUITE.train_tasks), 2)
    policy = ScriptedPolicy(simulator)
    episodes = rollout(simulator, policy, np.zeros(simulator.rows, int), record=True)
    assert episodes.successes.all() and (episodes.rewards[:, -1] == 10).all()
    assert episodes.returns.mean() == pytest.approx(563.6, abs=0.1)
    assert episodes.returns.mean() - 10 < 556.87 < episodes.returns.mean()


def test_goals_equal_metaworlds_benchmark():
    from metaworld import ML1

    tasks = ML1("pick-place-v3", seed=1).train_tasks
    vectors = np.array([pickle.loads(task.data)["rand_vec"] for task in tasks])
    np.testing.assert_array_equal(read_table("pick_place.csv"), vectors)
