"""Goals and splits against the published ones."""

import numpy as np
import pytest

from trajprompt.errors import TrajpromptError
from trajprompt.tasks.mujoco_simulator import MujocoSimulator
from trajprompt.tasks.registry import SUITE_NAMES, get_suite, make_simulator


@pytest.mark.parametrize("name", SUITE_NAMES)
def test_tasks_exist_and_splits_are_disjoint(name):
    suite = get_suite(name)
    train, test = set(suite.train_tasks), set(suite.test_tasks)
    assert train | test <= set(range(len(suite.goals)))
    assert len(train) == len(suite.train_tasks) and len(test) == len(suite.test_tasks)
    if name in ("cheetah-dir", "point-sparse"):
        assert train == test == set(range(len(suite.goals)))
    else:
        assert not train & test


@pytest.mark.parametrize(
    ("name", "goals", "train", "test"),
    [
        ("cheetah-dir", 2, 2, 2),
        ("cheetah-vel", 40, 35, 5),
        ("ant-dir", 50, 45, 5),
        ("ant-dir-ood", 50, 8, 3),
        ("reach", 50, 15, 5),
        ("pick-place", 50, 45, 5),
        ("point-sparse", 8, 8, 8),
    ],
)
def test_published_sizes(name, goals, train, test):
    suite = get_suite(name)
    assert len(suite.goals) == goals
    assert (len(suite.train_tasks), len(suite.test_tasks)) == (train, test)


def test_published_goals():
    velocities = get_suite("cheetah-vel")
    np.testing.assert_allclose(velocities.goals[:, 0], 0.075 * np.arange(1, 41), atol=1e-12)
    np.testing.assert_allclose(
        velocities.goals[list(velocities.test_tasks), 0], [0.225, 0.6, 1.2, 1.8, 2.025]
    )
    ant = get_suite("ant-dir")
    degrees = np.degrees(ant.goals[list(ant.test_tasks), 0])
    np.testing.assert_allclose(degrees, [14.1, 101.9, 51.8, 204.5, 237.3], atol=0.06)
    assert get_suite("cheetah-dir").goals.ravel().tolist() == [1.0, -1.0]


def test_out_of_distribution_directions():
    suite = get_suite("ant-dir-ood")
    degrees = np.degrees(suite.goals[:, 0])
    expected = [340.4, 234.9, 174.1, 142.6, 150.7, 258.5, 196.2, 319.7]
    np.testing.assert_allclose(degrees[list(suite.train_tasks)], expected, atol=0.06)
    np.testing.assert_allclose(
        degrees[list(suite.test_tasks)], [24.4, 229.5, 237.3], atol=0.06
    )


@pytest.mark.parametrize("name", SUITE_NAMES)
def test_every_suite_has_its_simulator_words_and_label(name):
    suite = get_suite(name)
    simulator = make_simulator(suite, np.array(suite.test_tasks[:1]))
    assert simulator.reset(np.zeros(1, int)).shape == (1, suite.state_dim)
    assert isinstance(simulator, MujocoSimulator) == suite.filmed
    assert suite.label and suite.wording(suite.test_tasks[0])


def test_goals_are_read_only():
    with pytest.raises(ValueError, match="read-only"):
        get_suite("cheetah-vel").goals[0] = 1.0


def test_unknown_suite_lists_the_known():
    with pytest.raises(TrajpromptError, match="cheetah-vel"):
        get_suite("cheetah")
