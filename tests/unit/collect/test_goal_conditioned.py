"""Relabelled goals and their rewards."""

import numpy as np
import pytest
import torch

from support.collection import generator
from trajprompt.collect.goal_conditioned import GoalConditioned
from trajprompt.collect.perspective import Transition
from trajprompt.collect.replay import Batch
from trajprompt.tasks.registry import get_suite, make_simulator


@pytest.mark.parametrize("name", ["cheetah-vel", "cheetah-dir", "cheetah-vel-100"])
def test_relabelled_rewards_are_the_simulators(name):
    """For equal states and actions, the reward recomputed for another goal is exact."""
    suite = get_suite(name)
    tasks = np.array([0, len(suite.goals) - 1])
    view = GoalConditioned(suite, suite.relabelling, tasks, 1.0, "cpu", generator())
    simulator = make_simulator(suite, tasks)
    rng = np.random.default_rng(0)
    simulator.reset(np.array([5, 5]))  # equal starts and actions in both rows
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
        swapped = torch.tensor(velocity[::-1].copy(), dtype=torch.float32)[None]
        view.relabelled = 0.0  # keep the rows' goals, use the other row's velocity
        learned = view.training_batch(batch, swapped, torch.tensor([[0, 1]]))
        np.testing.assert_allclose(learned.rewards[0], after.rewards, atol=1e-5)
        before = after.observations


def test_relabelling_draws_goals_of_the_suite_for_the_given_share():
    suite = get_suite("cheetah-vel")
    view = GoalConditioned(
        suite, suite.relabelling, np.arange(40), 0.75, "cpu", generator()
    )
    rows = torch.zeros(1, 400, dtype=torch.int64)
    zeros = torch.zeros(1, 400, 17)
    batch = Batch(zeros, torch.zeros(1, 400, 6), rows.float(), zeros, rows.float())
    learned = view.training_batch(batch, torch.zeros(1, 400, 1), rows)
    goals = -learned.rewards  # the reward of velocity 0 with goal v is -v
    assert torch.allclose(goals[0, 300:], torch.tensor(0.075))
    assert len(goals[0, :300].unique()) > 30
    assert torch.equal(learned.features[..., -1], learned.next_features[..., -1])
    inputs = learned.features[..., -1] * view.spread + view.centre
    torch.testing.assert_close(inputs.float(), goals)
