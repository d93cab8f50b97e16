"""``trajprompt collect``: its store, and that a suite that did not learn writes none."""

import numpy as np
import pytest

from support.collection import fake, settings
from trajprompt.collect import algorithms
from trajprompt.commands.collect import run
from trajprompt.errors import TrajpromptError
from trajprompt.trajectories.store import read_trajectories

__all__ = ["fake"]  # fixture


def test_a_suite_that_did_not_learn_fails_and_writes_nothing(fake, tmp_path, capsys):
    out = tmp_path / "trajectories.h5"
    with pytest.raises(TrajpromptError, match="expert_at_least"):
        run(settings(expert_at_least=1e6), str(out))
    assert not out.exists()
    assert "mean return" in capsys.readouterr().out  # the curve is printed all the same
    with pytest.raises(TrajpromptError, match="random_at_most"):
        run(settings(random_at_most=-1e6), str(out))
    assert not out.exists()


def test_the_stage_writes_a_store_that_reads_back(fake, tmp_path):
    out = tmp_path / "trajectories.h5"
    run(settings(), str(out))
    collected = algorithms.collect(settings(), fake)
    for task in collected:
        stored = read_trajectories(out)[task.task]
        assert np.array_equal(stored.actions, task.actions)
        assert stored.attributes["algorithm"] == "sac"
