"""The imitation loss against a plain forward pass."""

import pytest
import torch

from support.tuning_problem import ACTION, PROMPT, ROWS, STATE, segments
from trajprompt.models.prompt_dt import BackboneConfig, PromptDT, action_loss
from trajprompt.tuning.imitation import ImitationLoss


def test_imitation_loss_is_equation_5(problem):
    """Equal to a plain forward pass of every pair of candidate and context."""
    model, contexts = problem.backbone.model, problem.samples.segments
    candidates = segments(ROWS, 5, length=PROMPT, seed=3)
    found = ImitationLoss(model, "fp32")(candidates, contexts)
    for row in range(ROWS):
        for number in range(5):
            prompt = candidates.select((row, slice(number, number + 1)))
            context = contexts.select(row)
            with torch.no_grad():
                predicted = model(context, prompt)
            expected = (predicted - context.actions)[context.mask].square().mean()
            torch.testing.assert_close(found[row, number], expected, rtol=1e-5, atol=1e-6)
            torch.testing.assert_close(action_loss(predicted, context), expected)


@pytest.mark.parametrize("returns", [True, False])
def test_imitation_loss_without_return_tokens(returns):
    config = BackboneConfig(
        STATE, ACTION, width=16, layers=3, inner=32, uses_returns=returns
    )
    model = PromptDT(config).eval()
    prompts, contexts = segments(4, length=5, seed=4), segments(3, length=20, seed=5)
    found = ImitationLoss(model, "fp32").actions(prompts, contexts)  # (C, b, K, A)
    for number in range(4):
        with torch.no_grad():
            expected = model(contexts, prompts.select(slice(number, number + 1)))
        torch.testing.assert_close(found[number], expected, rtol=1e-5, atol=1e-6)
