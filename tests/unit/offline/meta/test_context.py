"""Meta-batches: tasks with replacement, and transitions of the right task."""

import numpy as np
import pytest
import torch

from support.meta_problem import meta_learner, random_table, task
from support.offline_problem import ACTIONS, STATES, generators
from trajprompt.offline.meta.context import TaskTable, context_of, draw
from trajprompt.offline.meta.distance import distance_loss
from trajprompt.offline.noise import Noise
from trajprompt.offline.training import OfflineTraining
from trajprompt.trajectories.episodes import TaskTrajectories

CONTEXT = STATES + ACTIONS + 1


def drawn(seeds, tasks, following=False):
    return draw(random_table(), tasks, Noise(generators(seeds)), 6, 5, following)


@pytest.mark.parametrize("following", [False, True])
def test_shapes(following):
    batch = drawn([0, 1], torch.tensor([[0, 1, 2, 2], [2, 0, 0, 1]]), following)
    assert batch.context.shape == (2, 4, 6, CONTEXT + STATES * following)
    assert batch.transitions.states.shape == (2, 20, STATES)
    assert batch.transitions.rewards.shape == (2, 20)


def test_transitions_are_of_their_task():
    """Rewards are the number of the task."""
    parts = [task(n, 3 + n, rewards=float(n)) for n in range(4)]
    tasks = torch.tensor([[3, 0, 3, 1, 2]])
    batch = draw(TaskTable.joined(parts), tasks, Noise(generators([0])), 50, 40, False)
    expected = tasks[..., None].float()
    assert torch.equal(batch.context[..., -1], expected.expand(1, 5, 50))
    rewards = batch.transitions.rewards.view(1, 5, 40)
    assert torch.equal(rewards, expected.expand(1, 5, 40))


def test_every_row_of_a_task_can_be_drawn():
    table = random_table()
    largest = 1 - 2**-24
    places = torch.tensor([[[0.0, largest]] * 3])
    found = table.pick(torch.tensor([[0, 1, 2]]), places).rewards
    column = STATES + ACTIONS
    ends = [(0, 19), (20, 46), (47, 80)]
    expected = [[table.table[row, column].item() for row in pair] for pair in ends]
    torch.testing.assert_close(found, torch.tensor([expected]))


def test_a_context_has_the_parts_of_its_transitions():
    transitions = random_table().pick(torch.tensor([[1]]), torch.tensor([[[0.1, 0.6]]]))
    found = context_of(transitions, True)[0, 0]
    states, actions, rewards, following, *_ = (part[0, 0] for part in transitions)
    assert torch.equal(found, torch.cat([states, actions, rewards[:, None], following], -1))


def test_a_seeds_draws_do_not_depend_on_its_stack():
    tasks = torch.tensor([[0, 1], [2, 2], [1, 0]])
    several, alone = drawn([0, 1, 2], tasks), drawn([1], tasks[1:2])
    assert torch.equal(several.context[1], alone.context[0])
    for ours, theirs in zip(alone.transitions, several.transitions, strict=True):
        assert torch.equal(ours[0], theirs[1])


def test_all_states_are_normalised_alike():
    def episode(number):
        rows = np.full((2, 1), float(number), np.float32)
        return TaskTrajectories(
            number,
            np.zeros(0),
            rows,
            rows / 10,
            np.full(2, number, np.float32),
            np.zeros(2, bool),
            np.array([2]),
            rows[-1:],
            np.zeros(1, np.int64),
        )

    mean, std = np.array([1.0]), np.array([2.0])
    table = TaskTable.of([episode(3), episode(5)], mean, std, "cpu")
    found = table.pick(torch.tensor([[0, 1]]), torch.zeros(1, 2, 1))
    assert found.states.flatten().tolist() == [1.0, 2.0]
    assert found.rewards.flatten().tolist() == [3.0, 5.0]
    assert len(table) == 2


def test_the_training_draws_tasks_with_replacement_so_positive_pairs_exist():
    """Equal codes: a positive pair adds the root of 1e-3, and distinct tasks have none."""
    learner = meta_learner("focal", [0, 1])
    training = OfflineTraining(learner, learner.table, generators([0, 1]), 4, ["a", "b"])
    tasks = learner.table.batch(training._draw())  # 4 of 3 tasks
    assert tasks.shape == (2, 4) and (tasks < 3).all()
    codes = torch.zeros(2, 4, 2)
    assert (distance_loss(codes, tasks) > 10).all()
    distinct = distance_loss(codes[:, :3], torch.tensor([[0, 1, 2]] * 2))
    torch.testing.assert_close(distinct, torch.full((2,), 30 / 3.001))
