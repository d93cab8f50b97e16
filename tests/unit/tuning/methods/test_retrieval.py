"""Retrieval of a planted prompt from the prompts of the training tasks."""

import dataclasses

import numpy as np
import pytest
import torch

from support.tuning_problem import CONTEXT, DRAWS, ROWS, TRAINING_TASKS
from trajprompt.errors import TrajpromptError
from trajprompt.trajectories.segments import Segments
from trajprompt.tuning.methods.retrieval import RetrievalOptions, tune
from trajprompt.tuning.prompt_vectors import to_vectors
from trajprompt.tuning.protocol import TuningProblem
from trajprompt.tuning.samples import FixedSamples

ALL = RetrievalOptions(candidates=TRAINING_TASKS * DRAWS, judging_batch=16)
PLANTED = ((3, 5), (0, 0), (2, 7))  # for each row: training task, draw


def imitating(problem: TuningProblem, prompts: Segments) -> TuningProblem:
    """Replace the samples' actions by the backbone's actions after ``prompts``."""
    model, contexts = problem.backbone.model, problem.samples.segments
    for _ in range(CONTEXT):  # an action depends on those before it
        with torch.no_grad():
            actions = [
                model(contexts.select(row), prompts.select(slice(row, row + 1)))
                for row in range(ROWS)
            ]
        contexts = contexts._replace(actions=torch.stack(actions))
    return dataclasses.replace(problem, samples=FixedSamples(contexts))


@pytest.fixture
def planted(problem):
    training = problem.training_prompts.prompts
    tasks, draws = zip(*PLANTED, strict=True)
    return imitating(problem, training.select((list(tasks), list(draws))))


def test_finds_the_planted_prompt(planted):
    adaptation = tune(planted, ALL)
    training = planted.training_prompts.prompts
    for row, place in enumerate(PLANTED):
        for found, expected in zip(
            adaptation.last.select(row), training.select(place), strict=True
        ):
            assert torch.equal(found, expected)
    assert adaptation.extras["training_task"].values.tolist() == [3, 0, 2]
    assert adaptation.best_iteration.tolist() == [1, 1, 1]
    before, after = adaptation.history[:ROWS], adaptation.history[ROWS:]
    assert all(entry.objective < 1e-9 for entry in after)
    assert all(entry.objective > 1e-4 for entry in before)
    assert {entry.queries for entry in before} == {1}
    assert {entry.queries for entry in after} == {TRAINING_TASKS * DRAWS + 1}
    counts = adaptation.extras["different_training_prompts"]
    assert counts.values.tolist() == [DRAWS] * TRAINING_TASKS
    moved = to_vectors(adaptation.last) - to_vectors(planted.initial_prompts)
    np.testing.assert_allclose(
        [entry.displacement for entry in after], moved.norm(dim=1), rtol=1e-5
    )
    assert adaptation.parameters == 0


def test_best_is_the_initial_prompt_if_none_imitates_better(problem):
    initial_is_best = imitating(problem, problem.initial_prompts)
    adaptation = tune(initial_is_best, ALL)
    assert adaptation.best_iteration.tolist() == [0, 0, 0]
    assert torch.equal(adaptation.best.states, problem.initial_prompts.states)
    assert not torch.equal(adaptation.last.states, problem.initial_prompts.states)


def test_the_same_number_of_every_task(planted):
    few = tune(planted, RetrievalOptions(candidates=2 * TRAINING_TASKS + 1))
    assert few.history[-1].queries == 2 * TRAINING_TASKS + 1
    one = tune(planted, RetrievalOptions(candidates=1))
    assert one.history[-1].queries == TRAINING_TASKS + 1


def test_equal_prompts_are_judged_once(planted):
    training = planted.training_prompts
    for tensor in (*training.prompts, training.rewards):
        tensor[:, 1:] = tensor[:, :1]
    found = tune(planted, ALL)
    assert found.history[-1].queries == TRAINING_TASKS + 1
    assert found.extras["different_training_prompts"].values.tolist() == [1] * 4


def test_training_prompts_are_needed(problem):
    without = dataclasses.replace(problem, training_prompts=None)
    with pytest.raises(TrajpromptError, match="reads_training_tasks"):
        tune(without, ALL)
