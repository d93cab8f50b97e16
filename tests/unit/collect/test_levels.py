"""Levels: which policies play them, and how many episodes they have.

A level has at least `LevelOptions.stored` episodes, except medium-replay.
"""

from pathlib import Path

import numpy as np
import pytest

from trajprompt.collect import sampled_play, teaching
from trajprompt.collect.levels import collect_level
from trajprompt.collect.mlp_policy import MlpPolicy
from trajprompt.collect.options import LevelOptions
from trajprompt.collect.sampled_play import returns
from trajprompt.collect.teacher import Snapshot, Teacher
from trajprompt.settings.stages import TeachSettings
from trajprompt.tasks.registry import get_suite
from trajprompt.tasks.simulator import Step
from trajprompt.trajectories.episodes import TaskTrajectories
from trajprompt.trajectories.store import write_trajectories

CHEETAH = get_suite("halfcheetah-medium-replay")  # never falls: all episodes are longest
LENGTH = 1000


# Mean and log standard deviation of each policy's actions. They overlap nowhere.
PLAYED = {"random": (-0.6, -4.0), "medium": (0.0, -3.0), "expert": (0.6, -5.0)}


def constant_policy(mean, log_std):
    """A policy whose actions do not depend on the observation."""
    states, actions = CHEETAH.state_dim, CHEETAH.action_dim
    return MlpPolicy(
        weights=(np.zeros((states, actions), np.float32),),
        biases=(np.full(actions, mean, np.float32),),
        shift=np.zeros(states),
        scale=np.ones(states),
        limit=np.array(10.0),
        log_std=np.full(actions, log_std, np.float32),
    )


@pytest.fixture(scope="module")
def teacher():
    """Four snapshots, of which the last is none of the three policies."""
    gaussians = [PLAYED["random"], PLAYED["medium"], PLAYED["expert"], (0.3, -3.5)]
    snapshots = tuple(
        Snapshot(1000 * number, float(number), 0.0, constant_policy(*gaussian))
        for number, gaussian in enumerate(gaussians)
    )
    return Teacher("halfcheetah", snapshots, medium=1, expert=2)


def require_actions(actions, policy):
    """Require actions (n, A) to be samples of a policy of `PLAYED`."""
    mean, log_std = PLAYED[policy]
    assert actions.mean() == pytest.approx(mean, abs=0.01)
    assert actions.std() == pytest.approx(np.exp(log_std), rel=0.1)


@pytest.mark.parametrize("name", PLAYED)
def test_a_level_is_sampled_from_its_policy(teacher, name):
    options = LevelOptions(steps=1000, rows=1)
    suite = get_suite(f"halfcheetah-{name}")
    episodes = collect_level(suite, teacher, Path("unused"), options, 1, 1)
    require_actions(episodes.actions, name)
    assert episodes.attributes["level"] == name


def test_medium_expert_has_a_half_of_each_policy(teacher):
    options = LevelOptions(steps=2000, rows=1)
    suite = get_suite("halfcheetah-medium-expert")
    episodes = collect_level(suite, teacher, Path("unused"), options, 1, 1)
    assert episodes.lengths.tolist() == [LENGTH, LENGTH]
    require_actions(episodes.actions[:LENGTH], "medium")
    require_actions(episodes.actions[LENGTH:], "expert")


class NotedSimulator:
    """Rows that end at their second step, with a reward of the mean action.

    ``noted`` is the list to which the actions of all steps are appended.
    """

    def __init__(self, suite, rows, noted):
        self.states, self.noted, self.steps = np.zeros((rows, suite.state_dim)), noted, 0

    def reset(self, seeds):
        return self.states

    def step(self, actions):
        self.noted.append(actions)
        self.steps += 1
        ended = np.full(len(actions), self.steps == 2)
        return Step(self.states, actions.mean(1, dtype=np.float64), ended, ended)


@pytest.fixture
def noted(monkeypatch):
    """Actions (rows, A) of every step that is played."""
    found = []

    def simulator(suite, tasks, threads):
        return NotedSimulator(suite, len(tasks), found)

    monkeypatch.setattr(sampled_play, "make_simulator", simulator)
    return found


def test_returns_are_of_the_sampled_policy_or_of_its_mean_action(noted):
    policy, seed = constant_policy(0.25, -2.0), np.random.SeedSequence(1)
    mean_action = returns(policy, CHEETAH, 50, seed, 1, sampled=False)
    assert [(actions == 0.25).all() for actions in noted] == [True, True]
    np.testing.assert_array_equal(mean_action, np.full(50, 0.5))
    noted.clear()
    sampled = returns(policy, CHEETAH, 50, seed, 1, sampled=True)
    assert np.stack(noted).std() == pytest.approx(np.exp(-2.0), rel=0.1)
    np.testing.assert_allclose(sampled, np.sum(noted, 0).mean(1), rtol=1e-6)


def test_a_snapshot_is_measured_sampled_first_and_then_by_its_mean_action(noted):
    settings = TeachSettings("test", 1, "halfcheetah", "ppo", {}, None, "cpu", 1)
    sampled, mean_action = teaching._played(
        settings, CHEETAH, 50, 0, constant_policy(0.25, -2.0)
    )
    np.testing.assert_array_equal(mean_action, np.full(50, 0.5))
    assert len(np.unique(sampled)) == 50


@pytest.mark.parametrize("name", ["expert", "medium-expert"])
@pytest.mark.parametrize("steps, rows", [(1001, 1), (2001, 2)])
def test_a_played_level_has_its_minimum_of_complete_episodes(teacher, name, steps, rows):
    options = LevelOptions(steps=steps, rows=rows)
    suite = get_suite(f"halfcheetah-{name}")
    episodes = collect_level(suite, teacher, Path("unused"), options, 1, 1)
    assert episodes.num_episodes >= options.stored == -(-steps // LENGTH)
    assert (episodes.lengths == LENGTH).all()
    assert episodes.episode_ends[-1] >= steps


@pytest.mark.parametrize("steps, number", [(1400, 1), (2000, 2), (4000, 3)])
def test_the_replay_may_have_fewer_than_the_minimum(teacher, tmp_path, steps, number):
    rows, count = 3 * LENGTH, 3
    task = TaskTrajectories(
        task=0,
        goal=CHEETAH.goals[0],
        observations=np.zeros((rows, CHEETAH.state_dim), np.float32),
        actions=np.zeros((rows, CHEETAH.action_dim), np.float32),
        rewards=np.ones(rows, np.float32),
        terminations=np.zeros(rows, bool),
        episode_ends=LENGTH * np.arange(1, count + 1),
        final_observations=np.zeros((count, CHEETAH.state_dim), np.float32),
        behaviour_step=LENGTH * np.arange(count),
    )
    write_trajectories(tmp_path / "replay.h5", CHEETAH, [task], {})
    options = LevelOptions(steps=steps)
    found = collect_level(CHEETAH, teacher, tmp_path / "replay.h5", options, 1, 1)
    assert found.num_episodes == number
    assert (number < options.stored) == (steps != 2000)
