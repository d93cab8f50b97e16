"""Conversion of prompts to vectors, and back."""

import torch

from support.tuning_problem import ACTION, PROMPT, ROWS, STATE
from trajprompt.tuning.prompt_vectors import to_prompts, to_vectors


def test_vectors_contain_return_state_action_of_each_step(problem):
    prompts = problem.initial_prompts
    vectors = to_vectors(prompts)
    assert vectors.shape == (ROWS, PROMPT * (1 + STATE + ACTION))
    step = torch.cat(
        [prompts.returns_to_go[0, 1], prompts.states[0, 1], prompts.actions[0, 1]]
    )
    assert torch.equal(vectors[0, 1 + STATE + ACTION :], step)
    for found, given in zip(to_prompts(vectors, prompts), prompts, strict=True):
        assert torch.equal(found, given)
    candidates = to_prompts(vectors.unsqueeze(1).repeat(1, 5, 1), prompts)
    assert torch.equal(candidates.mask[:, 3], prompts.mask)
    assert candidates.flatten().leading == (ROWS * 5,)
