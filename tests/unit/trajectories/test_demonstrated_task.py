"""A task with the demonstrations of another store."""

import numpy as np
import pytest

from trajprompt.errors import TrajpromptError
from trajprompt.tasks.registry import get_suite
from trajprompt.trajectories.demonstrated_task import Stores, open_stores
from trajprompt.trajectories.episodes import TaskTrajectories
from trajprompt.trajectories.store import write_trajectories

MEDIUM, EXPERT = get_suite("hopper-medium"), get_suite("hopper-expert")


def task(shift):
    """Nine episodes of two steps; returns are 2 × (shift + number)."""
    ends = 2 * np.arange(1, 10)
    return TaskTrajectories(
        task=0,
        goal=np.zeros(1),
        observations=np.full((18, 11), shift, np.float32),
        actions=np.zeros((18, 3), np.float32),
        rewards=(shift + np.arange(9)).repeat(2).astype(np.float32),
        terminations=np.tile([False, True], 9),
        episode_ends=ends,
        final_observations=np.zeros((9, 11), np.float32),
        behaviour_step=np.arange(9),
    )


@pytest.fixture
def stores(tmp_path):
    write_trajectories(tmp_path / "medium.h5", MEDIUM, [task(0)], {})
    write_trajectories(tmp_path / "expert.h5", EXPERT, [task(100)], {})
    return Stores(tmp_path / "medium.h5", tmp_path / "expert.h5")


def test_data_is_its_own_and_demonstrations_are_the_experts(stores):
    found = open_stores(stores, [0], "hopper-medium", "hopper-expert")[0]
    assert found.returns.tolist() == [2.0 * n for n in range(9)]
    assert found.last_fraction(0.25).read().returns.tolist() == [12, 14, 16]
    assert found.pool("expert", 256).returns.tolist() == [212, 214, 216]
    assert found.demonstrations("expert", 2, 256).returns.tolist() == [214, 216]
    assert [len(part.read().rewards) for part in found.split()] == [18]


def test_without_another_store_the_own_demonstrations_are_used(stores):
    found = open_stores(Stores(stores.data), [0], "hopper-medium")[0]
    assert found.demonstrations("expert", 2, 256).returns.tolist() == [14, 16]


@pytest.mark.parametrize("given", [True, False])
def test_a_store_and_its_suite_are_given_together(stores, given):
    some = stores if given else Stores(stores.data)
    with pytest.raises(TrajpromptError, match="--demonstrations"):
        open_stores(some, [0], "hopper-medium", "" if given else "hopper-expert")


def test_demonstrations_of_another_suite_than_named_are_refused(stores):
    with pytest.raises(TrajpromptError, match="found suite hopper-expert"):
        open_stores(stores, [0], "hopper-medium", "walker2d-expert")
