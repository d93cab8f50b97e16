"""Training loop: the error of a loss that is not finite."""

import pytest
import torch

from support.offline_problem import ACTIONS, STATES, generators, learner
from trajprompt.artifacts.checkpoint import Checkpoint
from trajprompt.errors import TrajpromptError
from trajprompt.offline.training import OfflineTraining
from trajprompt.trajectories.transitions import Transitions

WIDTHS = (STATES, ACTIONS, 1, STATES, 1, ACTIONS, 1)


@pytest.fixture
def training():
    """A training that found one loss of NaN, at its third update."""
    made = OfflineTraining(
        learner("bc", [0]),
        Transitions(torch.zeros(5, sum(WIDTHS)), WIDTHS),
        generators([0]),
        4,
        ["seed 0"],
    )
    update = made.learner.update

    def broken(batch):
        losses = update(batch)
        return {"actor": losses["actor"] * (float("nan") if made.learner.done == 3 else 1)}

    made.learner.update = broken
    return made


def test_an_error_at_a_point_of_the_curve_has_the_number_of_updates(training):
    with pytest.raises(TrajpromptError, match="seed 0: .* loss of nan up to update 4;"):
        training.run(8, 4, Checkpoint(), "test")
    assert training.learner.done == 4


def test_an_error_in_a_checkpoint_has_the_number_of_updates(training):
    for _ in range(3):
        training.unread.append(
            training.learner.update(training.data.batch(training._draw()))
        )
    with pytest.raises(TrajpromptError, match="loss of nan up to update 3;"):
        training.state()
