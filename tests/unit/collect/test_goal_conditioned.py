"""Relabelled goals and their rewards."""

import numpy as np
import pytest
import torch

from support.collection import generator
from trajprompt.collect.goal_conditioned import GoalConditioned
from trajprompt.collect.perspective import Transition
from trajprompt.collect.replay import Batch
from trajprompt.tasks.registry import get_suite, make_simulator


@pytest.mark.parametrize("name", ["cheetah-vel", "cheetah-dir"])
def test_relabelled_rewards_are_the_simulators(name):
    """The same state and action under another goal: the reward computed anew is exact."""
    suite = get_suite(name)
    tasks = np.array([0, len(suite.goals) - 1])
    view = GoalConditioned(suite, suite.relabelling, tasks, 1.0, "cpu", generator())
    simulator = make_simulator(suite, tasks)
    rng = np.random.default_rng(0)
    simulator.reset(np.array([5, 5]))  # both rows start and act alike
    before = simulator.step(np.zeros((2, 6))).observations
    for _ in range(40):
        actions = np.repeat(rng.uniform(-1, 1, (1, 6)), 2, axis=0).astype(np.float32)
        after = simulator.step(actions)
        velocity = view.extras(
            Transition(before, actions, *after[1::-1], after.terminations)
        )
        assert velocity[0] == pytest.approx(velocity[1], abs=1e-6)
        batch = Batch(
            torch.as_tensor(before[None, :, :17]),
            torch.as_tensor(actions[None]),
            torch.zeros(1, 2),
            torch.as_tensor(after.observations[None, :, :17]),
            torch.zeros(1, 2),
        )
        other_way = torch.tensor(velocity[::-1].copy(), dtype=torch.float32)[None]
        view.relabelled = 0.0  # keeps the goals of the rows, uses the other row's velocity
        learned = view.learning(batch, other_way, torch.tensor([[0, 1]]))
        np.testing.assert_allclose(learned.rewards[0], after.rewards, atol=1e-5)
        before = after.observations


def test_relabelling_draws_goals_of_the_suite_for_the_given_share():
    suite = get_suite("cheetah-vel")
    known = suite, suite.relabelling
    view = GoalConditioned(*known, np.arange(40), 0.75, "cpu", generator())
    rows = torch.zeros(1, 400, dtype=torch.int64)
    nothing = torch.zeros(1, 400, 17)
    batch = Batch(nothing, torch.zeros(1, 400, 6), rows.float(), nothing, rows.float())
    learned = view.learning(batch, torch.zeros(1, 400, 1), rows)
    goals = -learned.rewards  # standing still under goal v earns -v
    assert torch.allclose(goals[0, 300:], torch.tensor(0.075))
    assert len(goals[0, :300].unique()) > 30
    assert torch.equal(learned.features[..., -1], learned.next_features[..., -1])
    fed = learned.features[..., -1] * view.spread + view.centre
    torch.testing.assert_close(fed.float(), goals)
