"""PPO as a collection algorithm: one policy for all tasks of a suite."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from support.collection import settings
from trajprompt.collect import algorithms
from trajprompt.collect.options import PpoOptions, TeacherOptions
from trajprompt.collect.ppo_teacher import PpoTeacher
from trajprompt.collect.ppo_views import GoalAsInput, Symmetric, shared_view
from trajprompt.errors import TrajpromptError
from trajprompt.tasks.registry import get_suite, make_simulator

WIND = get_suite("point-wind")
SMALL = dict(rows=4, rollout=10, minibatch=20, epochs=2, episodes_per_task=5)


def collected(suite, tasks, **options):
    chosen = {**SMALL, **options}
    made = settings(suite=suite.name, tasks=tasks, algorithm="ppo", options=chosen)
    return algorithms.collect(made, suite, torch.device("cpu"))


def test_it_learns_all_winds_with_the_goal_as_an_input():
    options = dict(rows=40, rollout=20, minibatch=200, epochs=10, learning_rate=3e-3)
    tasks = tuple(range(10))
    made = collected(WIND, tasks, **options, episodes_per_task=120)
    assert [one.task for one in made] == [*tasks]
    first, last = (
        np.mean([one.quality(level, 10).returns.mean() for one in made])
        for level in ("random", "expert")
    )
    assert first < -15 and last > -8


def test_the_store_has_every_step_of_complete_episodes():
    for one in collected(WIND, (3, 8)):
        one.check("buffer")
        assert one.num_episodes >= 5 and (one.lengths == WIND.horizon).all()
        before = one.observations[: WIND.horizon]
        moved = before[:-1] + 0.1 * one.actions[: WIND.horizon - 1] + one.goal
        np.testing.assert_allclose(before[1:], moved, atol=1e-6)
        assert (np.diff(one.behaviour_step) >= 0).all()


def test_equal_settings_give_equal_bits():
    for one, other in zip(collected(WIND, (3, 8)), collected(WIND, (3, 8)), strict=True):
        np.testing.assert_array_equal(one.actions, other.actions)
        np.testing.assert_array_equal(one.observations, other.observations)


@pytest.mark.parametrize("tasks", [(0, 1, 2), (0, 1, 2, 3, 4)])
def test_rows_are_a_multiple_of_the_tasks(tasks):
    expected = f"options.rows: found 4; expected a multiple of {len(tasks)}"
    with pytest.raises(TrajpromptError, match=expected):
        collected(WIND, tasks)


def learner(suite, tasks):
    options = PpoOptions(rows=len(tasks), rollout=25, minibatch=20, epochs=2)
    simulator, length = make_simulator(suite, tasks), TeacherOptions(steps=300)
    view = shared_view(suite, tasks)
    return PpoTeacher(simulator, options, length, 1, ("a", suite.name), view, "here")


@pytest.mark.parametrize("name", ["ant-fwd-back", "walker-params"])
def test_a_restored_learner_continues_with_the_same_bits(name):
    suite = replace(get_suite(name), horizon=20)
    straight, stopped, resumed = (learner(suite, np.array([0, 1, 1])) for _ in range(3))
    for update in range(4):
        straight.advance(update)
    stopped.advance(0), stopped.advance(1)
    resumed.restore(stopped.state())
    resumed.advance(2), resumed.advance(3)
    for column in ("observations", "actions", "rewards"):
        one, other = (getattr(which.recorder, column) for which in (straight, resumed))
        np.testing.assert_array_equal(one[:100], other[:100])
    assert torch.equal(straight.ppo.vector, resumed.ppo.vector)


def test_the_ant_sees_one_heading_and_the_recorder_the_simulators_actions():
    suite = get_suite("ant-fwd-back")
    made = learner(suite, np.array([0, 1]))
    assert isinstance(made.view, Symmetric)
    made.advance(0)
    recorded = made.recorder.actions[made.recorder.filled - 1]
    np.testing.assert_array_equal(recorded, made.simulator._controls.astype(np.float32))
    equal = np.tile(np.float32([0.1, -0.2, 0.3, 0.4, -0.5, 0.6, 0.7, -0.8]), (2, 1))
    sent = made.view.to_simulator(equal)
    np.testing.assert_array_equal(sent[0], equal[0])
    assert (sent[1] != equal[1]).any()


def test_goals_are_inputs_in_standard_deviations():
    suite = get_suite("cheetah-vel-100")
    view = shared_view(suite, np.arange(100))
    assert isinstance(view, GoalAsInput) and view.features == 18
    features = view.observe(np.arange(2000, dtype=np.float32).reshape(100, 20))
    assert features.dtype == np.float32
    np.testing.assert_array_equal(features[1, :17], np.arange(20, 37))
    np.testing.assert_allclose(
        [features[:, 17].mean(), features[:, 17].std()], [0, 1], atol=1e-5
    )
