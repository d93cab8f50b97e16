"""Offline PTDT: its objective, and that it descends."""

import numpy as np
import pytest
import torch

from support.tuning_problem import ROWS
from trajprompt.settings.options import parse_options
from trajprompt.tuning.methods.ptdt_offline import ImitationObjective, OfflineOptions
from trajprompt.tuning.prompt_vectors import to_vectors
from trajprompt.tuning.registry import get_method


def test_offline_objective_compares_on_a_common_fresh_batch(problem):
    options = OfflineOptions(batch=4, judging_batch=8)
    objective = ImitationObjective(problem, options)
    start = to_vectors(problem.initial_prompts)
    equal = start.unsqueeze(1).repeat(1, 3, 1)
    first, second = objective(equal, start, 0), objective(equal, start, 1)
    assert torch.equal(first.candidates, first.candidates[:, :1].expand(-1, 3))
    assert not torch.equal(first.candidates, second.candidates)
    assert torch.equal(first.iterate, second.iterate)
    assert (first.cost.queries, first.judging.queries) == (3, 1)
    third = objective(equal, None, 2)
    assert (third.cost.queries, third.judging.queries) == (3, 0)


def test_offline_descends(problem):
    options = OfflineOptions(
        iterations=6, steps_per_iteration=5, batch=16, smoothing=0.1, step_size=0.1
    )
    adaptation = get_method("ptdt-offline").tune(problem, options)
    objective = np.array([entry.objective for entry in adaptation.history])
    objective = objective.reshape(7, ROWS)  # iteration-major
    assert (objective[-1] < objective[0]).all()
    assert adaptation.best_iteration.tolist() == objective.argmin(axis=0).tolist()
    last = adaptation.history[-1]
    moved = to_vectors(adaptation.last)[2] - to_vectors(problem.initial_prompts)[2]
    assert last.displacement == pytest.approx(float(moved.norm()))
    assert last.queries == 30 * 15 + 7 and last.simulator_steps == 0
    per_iteration = [entry.queries for entry in adaptation.history[::ROWS]]
    assert per_iteration == [1 + i * (5 * 15 + 1) for i in range(7)]


def test_good_options():
    options = parse_options(OfflineOptions, {"step_size": 1, "batch": 8}, "config")
    assert options.step_size == 1.0 and isinstance(options.step_size, float)
