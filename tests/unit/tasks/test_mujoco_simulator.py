"""The batched locomotion simulators against Gymnasium's environments stepped one by one."""

import numpy as np
import pytest

from support.gymnasium_reference import (
    expected_reward,
    gymnasium_environments,
    legacy_observation,
    place,
)
from trajprompt.errors import TrajpromptError
from trajprompt.tasks.registry import SUITE_NAMES, get_suite, make_simulator

CHEETAHS = ("cheetah-dir", "cheetah-vel", "cheetah-vel-100")
SUITES = (*CHEETAHS, "ant-dir", "ant-dir-ood", "ant-fwd-back")
STEPS = 60


def random_actions(suite, rows, steps=STEPS, low=-1.0, high=1.0):
    generator = np.random.default_rng(0)
    return generator.uniform(low, high, (steps, rows, suite.action_dim)).astype(np.float32)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", SUITES)
def test_bit_equal_to_gymnasium(name, threads):
    suite = get_suite(name)
    tasks = np.resize(suite.test_tasks, 4)
    seeds = np.array([3, 1, 4, 159265])
    simulator = make_simulator(suite, tasks, threads)
    environments = gymnasium_environments(suite, 4)
    for environment, seed in zip(environments, seeds, strict=True):
        environment.reset(seed=int(seed))
    observations = simulator.reset(seeds)
    np.testing.assert_array_equal(
        observations, [legacy_observation(environment) for environment in environments]
    )
    for actions in 0.3 * random_actions(suite, 4):  # gentle, so that no ant falls
        step = simulator.step(actions)
        for row, environment in enumerate(environments):
            before = place(environment)
            environment.step(actions[row])
            np.testing.assert_array_equal(
                step.observations[row], legacy_observation(environment)
            )
            reward = expected_reward(
                suite, tasks[row], before, place(environment), actions[row]
            )
            assert step.rewards[row] == pytest.approx(reward, abs=1e-12)
        assert not step.terminations.any() and not step.successes.any()


def test_a_falling_ant_terminates_as_in_gymnasium_and_then_rests():
    suite = get_suite("ant-dir")
    rows = 6
    simulator = make_simulator(suite, np.resize(suite.test_tasks, rows))
    environments = gymnasium_environments(suite, rows)
    for row, environment in enumerate(environments):
        environment.reset(seed=row)
    simulator.reset(np.arange(rows))
    last, ended = None, np.zeros(rows, bool)
    for actions in random_actions(suite, rows, steps=200):
        step = simulator.step(actions)
        for row in np.flatnonzero(~ended):
            task, before = simulator.tasks[row], place(environments[row])
            terminated = environments[row].step(actions[row])[2]
            assert step.terminations[row] == terminated
            # Also on the step of the fall: the reference gives the survive bonus there.
            after = place(environments[row])
            reward = expected_reward(suite, task, before, after, actions[row])
            assert step.rewards[row] == pytest.approx(reward, abs=1e-12)
        np.testing.assert_array_equal(step.rewards[ended], 0)
        if last is not None:
            np.testing.assert_array_equal(step.observations[ended], last[ended])
        ended, last = step.terminations, step.observations
    assert ended.any(), "the test needs an ant that falls"
    assert np.isfinite(last).all()
    alive = simulator.reset(np.arange(rows) + 50, rows=ended)
    np.testing.assert_array_equal(alive[~ended], last[~ended])
    assert not simulator.step(random_actions(suite, rows)[0] * 0).terminations[ended].any()


def test_reset_of_some_rows_leaves_the_others():
    suite = get_suite("cheetah-vel")
    simulator = make_simulator(suite, np.zeros(3, int))
    first = simulator.reset(np.arange(3))
    moved = simulator.step(random_actions(suite, 3)[0]).observations
    mixed = simulator.reset(np.arange(3), rows=np.array([False, True, False]))
    np.testing.assert_array_equal(mixed[1], first[1])
    np.testing.assert_array_equal(mixed[[0, 2]], moved[[0, 2]])


@pytest.mark.parametrize("name", SUITES)
def test_rows_do_not_depend_on_other_rows(name):
    suite = get_suite(name)
    tasks = np.resize(suite.train_tasks, 5)
    actions = random_actions(suite, 5, steps=20)
    together, alone = make_simulator(suite, tasks), make_simulator(suite, tasks[3:4])
    together.reset(np.arange(5)), alone.reset(np.array([3]))
    for action in actions:
        many, one = together.step(action), alone.step(action[3:4])
        np.testing.assert_array_equal(many.observations[3], one.observations[0])
        assert many.rewards[3] == one.rewards[0]


def test_returned_observations_are_not_overwritten():
    simulator = make_simulator(get_suite("cheetah-dir"), np.array([0]))
    first = simulator.reset(np.array([0]))
    kept = first.copy()
    simulator.step(np.ones((1, 6)))
    np.testing.assert_array_equal(first, kept)


def played(simulator, actions, reset_seeds):
    """Results of some steps; halfway, the rows that have ended are reset."""
    steps = []
    for now, action in enumerate(actions):
        step = simulator.step(action)
        steps.append(step)
        if now == len(actions) // 2:
            simulator.reset(reset_seeds, step.terminations)
    return [np.stack(column) for column in zip(*steps, strict=True)]


@pytest.mark.parametrize("name", SUITE_NAMES)
def test_a_restored_simulator_steps_to_the_same_bits(name):
    suite, rows = get_suite(name), 5
    tasks = np.resize(suite.test_tasks, rows)
    first, other = make_simulator(suite, tasks), make_simulator(suite, tasks, threads=2)
    first.reset(np.arange(rows))
    actions = random_actions(suite, rows, steps=400)
    before, after = actions[:350], actions[350:]
    for action in before:
        step = first.step(action)
        if name.startswith("ant") and step.terminations.sum() == 2:
            break  # two ants have fallen, the others run
    state = {key: value.copy() for key, value in first.state().items()}
    if name.startswith("ant"):
        assert step.terminations.sum() == 2
    expected = played(first, after, np.arange(rows) + 9)
    for simulator in (other, first):  # one that was never reset, and one that continued
        simulator.restore(state)
        for found, wanted in zip(
            played(simulator, after, np.arange(rows) + 9), expected, strict=True
        ):
            np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("task", [-1, 40])
def test_task_that_does_not_exist(task):
    with pytest.raises(TrajpromptError, match=f"task {task}"):
        make_simulator(get_suite("cheetah-vel"), np.array([0, task]))
