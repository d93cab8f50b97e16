"""Goals and splits against the published ones."""

import subprocess
import sys

import numpy as np
import pytest

from support.paths import ROOT
from trajprompt import tasks
from trajprompt.errors import TrajpromptError
from trajprompt.tasks import registry
from trajprompt.tasks.mujoco_simulator import MujocoSimulator
from trajprompt.tasks.registry import SUITE_NAMES, get_suite, make_simulator


@pytest.mark.parametrize("name", SUITE_NAMES)
def test_tasks_exist_and_splits_are_disjoint(name):
    suite = get_suite(name)
    train, test = set(suite.train_tasks), set(suite.test_tasks)
    assert train | test <= set(range(len(suite.goals)))
    assert len(train) == len(suite.train_tasks) and len(test) == len(suite.test_tasks)
    same = ("cheetah-dir", "point-sparse", "ant-fwd-back")
    if name in same or suite.environment:
        assert train == test == set(range(len(suite.goals)))
    else:
        assert not train & test


# As printed: Table 5 of PTDT (arXiv 2305.09648, where the two test tasks of cheetah-dir are
# "[0.1]"), and for ant-dir-ood Table 7 of Prompt Diffuser (arXiv 2411.01168).
PUBLISHED_SPLITS = {
    "cheetah-dir": ("0,1", "0,1"),
    "cheetah-vel": ("0-1,3-6,8-14,16-22,24-25,27-39", "2,7,15,23,26"),
    "ant-dir": ("0-5,7-16,18-22,24-29,31-40,42-49", "6,17,23,30,41"),
    "ant-dir-ood": ("8,13,16,20,22,26,32,37", "1,4,41"),
    "reach": ("1-5,7,8,10-14,17-19", "6,9,15,16,20"),
    # In mxu34/prompt-dt at 5f665e5: config/ML1-pick-place-v2/ML1_pick_place.json.
    "pick-place": ("0-10,12-16,18-24,26-35,37-40,42-49", "11,17,25,36,41"),
    # FOCAL (arXiv 2010.01112), configs/: the first tasks are for training.
    "cheetah-vel-100": ("0-79", "80-99"),
    "ant-fwd-back": ("0,1", "0,1"),
}


def test_only_one_direction_out_of_distribution_is_far_from_training():
    """As docs/data.md says."""
    suite = get_suite("ant-dir-ood")
    angles = np.degrees(suite.goals[:, 0]) % 360
    page = (ROOT / "docs/data.md").read_text()
    for task in suite.test_tasks:
        apart = {t: abs((angles[t] - angles[task] + 180) % 360 - 180) for t in range(50)}
        near = min(suite.train_tasks, key=apart.__getitem__)
        row = f"| {task} | {angles[task]:.1f}° | {near} ({angles[near]:.1f}°) |"
        assert f"{row} {apart[near]:.1f}° |" in page


def parse_tasks(printed: str) -> tuple[int, ...]:
    """Parse a printed list of tasks and ranges, both ends included."""
    ends = [[int(end) for end in part.split("-")] for part in printed.split(",")]
    return tuple(task for part in ends for task in range(part[0], part[-1] + 1))


@pytest.mark.parametrize("name", PUBLISHED_SPLITS)
def test_published_splits(name):
    suite, (train, test) = get_suite(name), PUBLISHED_SPLITS[name]
    assert (suite.train_tasks, suite.test_tasks) == (parse_tasks(train), parse_tasks(test))


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


def test_goals_of_focal():
    """Drawn as its code draws them, first speeds and range of the test speeds."""
    speeds = get_suite("cheetah-vel-100")
    drawn = np.random.RandomState(1337).uniform(0, 3, 100)
    np.testing.assert_array_equal(speeds.goals[:, 0], drawn)
    np.testing.assert_allclose(
        drawn[:5], [0.7861, 0.4761, 0.8344, 1.3780, 0.963], atol=1e-4
    )
    test = speeds.goals[list(speeds.test_tasks), 0]
    np.testing.assert_allclose(
        [test.min(), test.max(), test.mean()], [0.376, 2.84, 1.73], atol=2e-3
    )
    assert get_suite("ant-fwd-back").goals.ravel().tolist() == [0.0, np.pi]


def test_out_of_distribution_directions():
    suite = get_suite("ant-dir-ood")
    degrees = np.degrees(suite.goals[:, 0])
    expected = [340.4, 234.9, 174.1, 142.6, 150.7, 258.5, 196.2, 319.7]
    np.testing.assert_allclose(degrees[list(suite.train_tasks)], expected, atol=0.06)
    np.testing.assert_allclose(
        degrees[list(suite.test_tasks)], [24.4, 229.5, 237.3], atol=0.06
    )


@pytest.mark.parametrize("name", SUITE_NAMES)
def test_every_suite_has_a_simulator_a_goal_text_and_a_label(name):
    suite = get_suite(name)
    simulator = make_simulator(suite, np.array(suite.test_tasks[:1]))
    assert simulator.reset(np.zeros(1, int)).shape == (1, suite.state_dim)
    assert isinstance(simulator, MujocoSimulator) == suite.filmed
    assert suite.label and suite.goal_text(suite.test_tasks[0])


def test_looking_up_suites_imports_no_heavy_library():
    heavy = {"mujoco", "torch", "metaworld", "gymnasium", "scipy"}
    code = f"import sys, trajprompt.tasks.registry; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "set()\n", done.stdout + done.stderr


def test_two_suites_of_one_name_are_an_error(monkeypatch, tmp_path):
    (tmp_path / "again.py").write_text("from trajprompt.tasks.reach import SUITES\n")
    monkeypatch.setattr(tasks, "__path__", [*tasks.__path__, str(tmp_path)])
    with pytest.raises(TrajpromptError, match="'reach'; expected another name"):
        registry.load_suites()
    sys.modules.pop("trajprompt.tasks.again", None)


def test_goals_are_read_only():
    with pytest.raises(ValueError, match="read-only"):
        get_suite("cheetah-vel").goals[0] = 1.0


def test_error_for_an_unknown_suite_lists_the_known_ones():
    with pytest.raises(TrajpromptError, match="cheetah-vel"):
        get_suite("cheetah")
