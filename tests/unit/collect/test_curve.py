"""The learning curve, and the check that agents learned."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from support.collection import fake, settings
from trajprompt.collect import algorithms
from trajprompt.collect.curve import check_learned, first_and_last, learning_curve
from trajprompt.errors import TrajpromptError

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
