"""Change of predicted actions: the same measure for tuned prompts and tuned weights."""

import dataclasses

import numpy as np
import pytest
import torch

from support.tuning_problem import make_problem
from trajprompt.adaptations.adaptation import Adaptation
from trajprompt.models.inference import InferenceModel
from trajprompt.models.shared_contexts import SharedContexts, encode
from trajprompt.tuning.action_change import action_change


def adapted(prompts, weights=None) -> Adaptation:
    return Adaptation(prompts, prompts, np.zeros(3, np.int64), [], weights=weights)


@pytest.fixture
def problem():
    return make_problem()


def test_no_tuning_changes_nothing(problem):
    assert action_change(problem, adapted(problem.initial_prompts)).tolist() == [0, 0, 0]
    weights = {row: problem.backbone.model.state_dict() for row in range(3)}
    found = action_change(problem, adapted(problem.initial_prompts, weights))
    assert found.tolist() == [0, 0, 0]


def test_a_tuned_prompt_changes_its_own_row_alone(problem):
    prompts = problem.initial_prompts.map(torch.clone)
    prompts.states[1] += 1.0
    found = action_change(problem, adapted(prompts))
    assert found[0] == found[2] == 0 and found[1] > 0.001


def test_the_change_equals_that_of_the_inference_of_rollouts(problem):
    """Of one context without padding, by the code that judges candidates."""
    full = problem.samples.segments.map(lambda x: x[:, 1:2])  # (R, 1, K, ..)
    samples = dataclasses.replace(problem.samples, segments=full)
    problem = dataclasses.replace(problem, samples=samples)
    prompts = problem.initial_prompts.map(torch.clone)
    prompts.actions[:] = 0.0
    inference = InferenceModel(problem.backbone.model, torch.float32)
    for row, found in enumerate(action_change(problem, adapted(prompts))):
        shared = SharedContexts(inference, full.select(row))
        before, after = (
            shared.actions(encode(inference, p.select(slice(row, row + 1))))
            for p in (problem.initial_prompts, prompts)
        )
        assert found == pytest.approx(float((after - before).abs().mean()), rel=1e-4)


def test_tuned_weights_change_the_actions_of_their_row(problem):
    state = problem.backbone.model.state_dict()
    moved = {**state, "predict_action.bias": state["predict_action.bias"] + 0.5}
    weights = {0: state, 1: moved, 2: state}
    found = action_change(problem, adapted(problem.initial_prompts, weights))
    assert found[0] == found[2] == 0 and 0.01 < found[1] < 0.5


def test_contexts_do_not_depend_on_the_method(problem):
    prompts = problem.initial_prompts.map(lambda x: x.flip(0))
    other = dataclasses.replace(problem, stream=np.random.SeedSequence(99))
    one, two = (action_change(p, adapted(prompts)) for p in (problem, other))
    assert (one == two).all()
