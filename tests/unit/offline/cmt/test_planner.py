"""Beam planning against enumeration, and in the true simulator."""

import dataclasses

import numpy as np
import pytest
import torch

from support.planned_worlds import LineWorld, SimulatorWorld
from trajprompt.offline.cmt.planner import PlanningOptions, plan
from trajprompt.tasks.registry import get_suite, make_simulator

OPTIONS = PlanningOptions(horizon=3, beam=8, expansions=1, noise=0.0)
GRID = torch.linspace(-1, 1, 9)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def score(start, actions, discount, target=0.0):
    """Discounted rewards of a plan in `LineWorld`, and the value of its last state."""
    state, total = start, 0.0
    for step, action in enumerate(actions):
        state += action
        total += discount**step * -((state - target) ** 2)
    return total + discount ** len(actions) * -((state - target) ** 2)


def line_world(starts, target=0.0):
    """Rows of each start: the logged action's, then one per action of the grid."""
    constants = torch.cat([torch.zeros(1), GRID])
    return LineWorld(
        starts.repeat_interleave(len(constants)), constants.repeat(len(starts)), target
    )


@pytest.mark.parametrize("discount", [1.0, 0.5])
def test_the_best_constant_action_is_that_of_enumeration(discount):
    starts = torch.tensor([0.9, -1.7, 0.0])
    logged = torch.full((3, 1), 0.5)
    found = plan(line_world(starts), logged, OPTIONS, discount, generator())
    for row, start in enumerate(starts.tolist()):
        scores = [score(start, [a] * 3, discount) for a in GRID.tolist()]
        scores.append(score(start, [0.5, 0.0, 0.0], discount))  # the logged action's plan
        assert found.scores[row].item() == pytest.approx(max(scores), abs=1e-5)
        assert found.logged_scores[row].item() == pytest.approx(scores[-1], abs=1e-5)
        chosen = [*GRID.tolist(), 0.5][int(np.argmax(scores))]
        assert found.actions[row].item() == pytest.approx(chosen)


class Recorded(LineWorld):
    """Keeps the last world that was selected: that of the plans at the end."""

    last: "Recorded"

    def select(self, rows):
        made = Recorded(
            self.states[rows], self.constants[rows], self.target, self.taken[rows]
        )
        Recorded.last = made
        return made


def test_scores_are_those_of_the_plans_own_actions():
    """Rows, rewards and first actions stay together when plans are pruned."""
    options = dataclasses.replace(OPTIONS, beam=5, expansions=3, noise=0.3)
    base = line_world(torch.tensor([1.2, -0.4]))
    world = Recorded(base.states, base.constants)
    logged = torch.tensor([[0.3], [-0.2]])
    found = plan(world, logged, options, 0.9, generator(1))
    sequences = Recorded.last.taken.view(2, 5, 3)
    for row, start in enumerate((1.2, -0.4)):
        scores = [score(start, sequence, 0.9) for sequence in sequences[row].tolist()]
        assert found.scores[row].item() == pytest.approx(max(scores), abs=1e-5)
        best = sequences[row][int(np.argmax(scores))]
        assert found.actions[row].item() == pytest.approx(best[0].item())
        assert sequences[row][0].tolist() == pytest.approx([logged[row].item(), 0, 0])
        assert found.logged_scores[row].item() == pytest.approx(scores[0], abs=1e-5)


def test_nothing_is_better_where_all_actions_are_equal():
    """With a reward that no action changes, no plan beats the logged action's."""
    world = line_world(torch.tensor([1.0, 2.0]))
    world.advance = lambda actions: torch.ones(len(actions))
    world.select = lambda rows: line_world_of_ones(rows)
    found = plan(world, torch.zeros(2, 1), OPTIONS, 1.0, generator())
    assert torch.equal(found.scores, found.logged_scores)


def line_world_of_ones(rows):
    world = LineWorld(torch.zeros(len(rows)), torch.zeros(len(rows)))
    world.advance = lambda actions: torch.ones(len(actions))
    world.select = line_world_of_ones
    return world


def test_in_the_simulator_a_plan_returns_at_least_what_the_logged_action_does():
    suite, plans, states = get_suite("hopper-medium"), 4, 3
    options = PlanningOptions(horizon=4, beam=4, expansions=2, noise=0.5)
    simulator = make_simulator(suite, np.zeros(states, np.int64))
    observations = simulator.reset(np.array([4, 5, 6]))
    weights = 0.3 * torch.randn(suite.state_dim, suite.action_dim, generator=generator())
    rows = np.repeat(np.arange(states), plans)
    state = {name: np.array(values)[rows] for name, values in simulator.state().items()}
    world = SimulatorWorld(suite, state, observations[rows], weights)
    logged = torch.rand(states, suite.action_dim, generator=generator(1)) * 2 - 1
    found = plan(world, logged, options, 0.99, generator(2))
    assert (found.scores >= found.logged_scores).all()
    assert (found.scores > found.logged_scores + 1e-3).any()
    replayed = _replayed(suite, logged, weights, options.horizon)
    torch.testing.assert_close(found.logged_scores, replayed, atol=1e-4, rtol=1e-4)


def _replayed(suite, logged, weights, horizon):
    """Discounted return of the logged actions, then the policy's, in a new simulator."""
    simulator = make_simulator(suite, np.zeros(len(logged), np.int64))
    observations = simulator.reset(np.array([4, 5, 6]))
    total = torch.zeros(len(logged))
    for step in range(horizon):
        actions = torch.tanh(torch.from_numpy(observations) @ weights)
        taken = simulator.step((actions if step else logged).numpy())
        observations = taken.observations
        total += 0.99**step * torch.from_numpy(taken.rewards).float()
    return total
