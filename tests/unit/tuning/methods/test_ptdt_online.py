"""Online PTDT: its resets, counts and recorded returns."""

import dataclasses

import numpy as np
import pytest

from support.tiny_methods import OPTIONS, played
from support.tuning_problem import ROWS
from trajprompt.tasks.registry import get_suite
from trajprompt.tuning.registry import get_method

__all__ = ["played"]  # fixture


def test_online_counts_and_common_resets(problem, played):
    options = dataclasses.replace(
        OPTIONS["ptdt-online"], episodes_per_candidate=2, smoothing=0.1
    )
    adaptation = get_method("ptdt-online").tune(problem, options)
    steps, m, judged = 6, 4, 3
    assert len(played) == steps + 1  # one rollout per step and a last judgement
    last = adaptation.history[-1]
    assert last.queries == 2 * (steps * m + judged)  # episodes, also of judging the last
    per_iteration = [entry.queries for entry in adaptation.history[::ROWS]]
    assert per_iteration == [2 * (1 + i * (3 * m + 1)) for i in range(3)]
    for entry in adaptation.history:
        assert entry.simulator_steps == entry.queries * 10
    assert last.gradient_steps == 0
    seeds = played[0].seeds.reshape(ROWS, m + 1, 2)
    assert (seeds[:, :m] == seeds[:, :1]).all(), "candidates of a row share their resets"
    assert (played[1].seeds.reshape(ROWS, m, 2)[:, 0] != seeds[:, 0]).all(), (
        "fresh each step"
    )
    later = played[3].seeds.reshape(ROWS, m + 1, 2)
    assert (later[:, m] == seeds[:, m]).all(), "iterates are judged on the same resets"
    assert all((call.seeds % 2 == 1).all() for call in played), "evaluation's are even"
    assert played[0].tasks.tolist() == np.repeat(problem.rows, 2 * (m + 1)).tolist()
    objective = [entry.objective for entry in adaptation.history]
    assert objective[-ROWS:] < objective[:ROWS]


@pytest.mark.parametrize(("suite", "each"), [("cheetah-vel", 2), ("reach", 1)])
def test_online_records_the_return_of_every_episode(problem, played, suite, each):
    """Judged iterates count too; each episode of a candidate has the candidate's mean."""
    options = dataclasses.replace(OPTIONS["ptdt-online"], episodes_per_candidate=2)
    known = get_suite(suite)
    changed = dataclasses.replace(problem, suite=known)
    extra = get_method("ptdt-online").tune(changed, options).extras["episode_returns"]
    assert extra.values.shape == (ROWS, options.episodes_played(known))
    assert "mean" in extra.description
    rounds = [call.returns.reshape(ROWS, -1, each) for call in played]
    means = np.concatenate(rounds, axis=1).mean(axis=2)
    np.testing.assert_array_equal(extra.values, means.repeat(each, axis=1))


def test_one_episode_where_resets_are_deterministic(problem, played):
    reach = dataclasses.replace(problem, suite=dataclasses.replace(get_suite("reach")))
    options = dataclasses.replace(OPTIONS["ptdt-online"], episodes_per_candidate=5)
    get_method("ptdt-online").tune(reach, options)
    assert len(played[0].seeds) == ROWS * 5
