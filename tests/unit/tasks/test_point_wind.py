"""The point in the wind: dynamics, and returns in closed form."""

from dataclasses import replace

import numpy as np
import pytest

from trajprompt.collect.experts import ScriptedPolicy
from trajprompt.rollout.loop import rollout
from trajprompt.tasks.registry import get_suite, make_simulator

SUITE = get_suite("point-wind")


class Still:
    """Policy of zero actions."""

    def act(self, observations):
        return np.zeros_like(observations)

    def receive(self, rewards):
        pass


def in_winds(*winds):
    """Simulator whose row i has the i-th of ``winds``."""
    return make_simulator(replace(SUITE, goals=np.array(winds)), np.arange(len(winds)))


def expert_returns(simulator):
    return rollout(simulator, ScriptedPolicy(simulator), np.zeros(simulator.rows, int))


def test_winds_are_focals():
    """All x are drawn first: FOCAL's point_robot.py."""
    generator = np.random.RandomState(1337)
    x, y = generator.uniform(-0.05, 0.05, 50), generator.uniform(-0.05, 0.05, 50)
    np.testing.assert_array_equal(SUITE.goals, np.stack([x, y], axis=1))
    np.testing.assert_allclose(SUITE.goals[0], [-0.0238, 0.0336], atol=5e-5)
    assert SUITE.train_tasks == tuple(range(40)) and SUITE.test_tasks[0] == 40


@pytest.mark.parametrize(("x", "printed"), [(-0.05, -9.5), (0.0, -4.5), (0.05, -2.85)])
def test_the_experts_return_without_side_wind(x, printed):
    found = expert_returns(in_winds((x, 0.0))).returns[0]
    exact = -np.maximum(0.0, 1.0 - np.arange(1, 21) * (0.1 + x)).sum()
    assert found == pytest.approx(exact, abs=1e-5)  # it reads float32 positions
    assert found == pytest.approx(printed, abs=1e-5)


def test_the_experts_mean_return():
    """Over FOCAL's winds; over U(-0.05, 0.05)², of which 20,000 are drawn here."""
    simulator = make_simulator(SUITE, np.arange(50))
    assert expert_returns(simulator).returns.mean() == pytest.approx(-5.114, abs=1e-3)
    winds = np.random.default_rng(0).uniform(-0.05, 0.05, (20_000, 2))
    assert expert_returns(in_winds(*winds)).returns.mean() == pytest.approx(
        -5.002, abs=0.05
    )


def test_returns_of_staying_in_place():
    simulator = in_winds((0.0, 0.0), (0.05, 0.05))
    played = rollout(simulator, Still(), np.zeros(2, int))
    np.testing.assert_allclose(played.returns, [-20.0, -16.2406], atol=5e-5)


def test_positions_are_sums_of_clipped_actions_and_winds():
    rows = len(SUITE.goals)
    simulator = make_simulator(SUITE, np.arange(rows))
    assert not simulator.reset(np.arange(rows)).any()
    actions = np.random.default_rng(0).uniform(-2, 2, (20, rows, 2))
    for count, action in enumerate(actions, start=1):
        step = simulator.step(action)
        place = 0.1 * np.clip(actions[:count], -1, 1).sum(axis=0) + count * SUITE.goals
        np.testing.assert_allclose(step.observations, place, atol=1e-6)
        away = np.hypot(place[:, 0] - 1.0, place[:, 1])
        np.testing.assert_allclose(step.rewards, -away, atol=1e-7)
        assert not step.terminations.any() and not step.successes.any()


def test_rows_do_not_depend_on_other_rows_and_repeat():
    actions = np.random.default_rng(1).uniform(-1, 1, (20, 50, 2))
    together, alone = make_simulator(SUITE, np.arange(50)), make_simulator(SUITE, [33])
    for _ in range(2):  # the second episode equals the first
        together.reset(np.arange(50)), alone.reset(np.array([7]))
        for action in actions:
            many, one = together.step(action), alone.step(action[33:34])
            for found, expected in zip(many, one, strict=True):
                np.testing.assert_array_equal(found[33], expected[0])


def test_varied_starts_depend_on_the_seed_alone():
    simulator = make_simulator(SUITE.with_varied_starts(), np.array([0, 1, 1]))
    first = simulator.reset(np.array([4, 4, 5]))
    np.testing.assert_array_equal(first[0], first[1])
    assert (first[1] != first[2]).all() and np.abs(first).max() < SUITE.start_shift
    simulator.step(np.ones((3, 2)))
    np.testing.assert_array_equal(simulator.reset(np.array([4, 4, 5])), first)
