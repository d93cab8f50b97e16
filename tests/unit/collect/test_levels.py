"""Number of episodes of a level: at least `LevelOptions.stored`, except medium-replay."""

from pathlib import Path

import numpy as np
import pytest

from trajprompt.collect.levels import collect_level
from trajprompt.collect.mlp_policy import MlpPolicy
from trajprompt.collect.options import LevelOptions
from trajprompt.collect.teacher import Snapshot, Teacher
from trajprompt.tasks.registry import get_suite
from trajprompt.trajectories.episodes import TaskTrajectories
from trajprompt.trajectories.store import write_trajectories

CHEETAH = get_suite("halfcheetah-medium-replay")  # never falls: all episodes are longest
LENGTH = 1000


@pytest.fixture(scope="module")
def teacher():
    """A teacher whose three policies are noise of different deviations."""
    states, actions = CHEETAH.state_dim, CHEETAH.action_dim

    def policy(log_std):
        return MlpPolicy(
            weights=(np.zeros((states, actions), np.float32),),
            biases=(np.zeros(actions, np.float32),),
            shift=np.zeros(states),
            scale=np.ones(states),
            limit=np.array(10.0),
            log_std=np.full(actions, log_std, np.float32),
        )

    snapshots = tuple(
        Snapshot(1000 * number, float(number), 0.0, policy(-float(number)))
        for number in range(3)
    )
    return Teacher("halfcheetah", snapshots, medium=1, expert=2)


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
