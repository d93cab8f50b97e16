"""The learning curve, and the check that agents learned."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from support.collection import fake, settings
from trajprompt.collect import algorithms
from trajprompt.collect.curve import (
    check_learned,
    check_score,
    first_and_last,
    learning_curve,
    mean_score,
)
from trajprompt.errors import TrajpromptError
from trajprompt.tasks.registry import get_suite

__all__ = ["fake"]  # fixture


CPU = torch.device("cpu")


def test_nan_returns_never_count_as_learned():
    returns = SimpleNamespace(returns=np.array([np.nan]))
    task = SimpleNamespace(quality=lambda level, episodes: returns)
    with pytest.raises(TrajpromptError):
        check_learned([task], 1, -1.0, None, "collect")


def test_the_curve_ends_with_the_last_steps(fake):
    tasks = algorithms.collect(settings(), fake, CPU)
    curve = learning_curve(tasks)
    assert curve[-1, 0] == np.mean([task.episode_ends[-1] for task in tasks])
    assert np.all(curve[:, 2] <= curve[:, 1]) and np.all(curve[:, 1] <= curve[:, 3])
    first, last = first_and_last(tasks, 1)
    assert first == pytest.approx(np.mean([task.returns[0] for task in tasks]))
    assert last == pytest.approx(np.mean([task.returns[-1] for task in tasks]))


def test_the_score_is_that_of_all_episodes_of_all_tasks():
    hopper = get_suite("hopper-medium")
    low, high = hopper.score_range
    returns = [np.full(3, high), np.array([low])]
    tasks = [SimpleNamespace(returns=one) for one in returns]
    assert mean_score(tasks, hopper) == pytest.approx(75)


@pytest.mark.parametrize("score", [19.9, 60.1, np.nan])
def test_a_score_outside_its_range_names_the_key_and_the_teacher(score):
    hopper = get_suite("hopper-medium")
    with pytest.raises(TrajpromptError) as caught:
        check_score(score, (20.0, 60.0), hopper, "collect.hopper-medium")
    text = str(caught.value)
    assert "collect.hopper-medium.score_between" in text and "teachers.hopper" in text
    assert "from 20.0 to 60.0" in text


@pytest.mark.parametrize("score, between", [(20.0, (20.0, 60.0)), (-500.0, None)])
def test_a_score_in_its_range_and_one_that_is_not_checked_are_accepted(score, between):
    check_score(score, between, get_suite("hopper-medium"), "collect.hopper-medium")
