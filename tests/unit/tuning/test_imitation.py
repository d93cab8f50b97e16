"""The imitation loss against a plain forward pass."""

import torch

from support.tuning_problem import PROMPT, ROWS, segments
from trajprompt.models.prompt_dt import action_loss
from trajprompt.tuning import imitation
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


def test_passes_of_few_pairs_give_the_same_losses(problem, monkeypatch):
    model, contexts = problem.backbone.model, problem.samples.segments
    candidates = segments(ROWS, 5, length=PROMPT, seed=3)
    expected = ImitationLoss(model, "fp32")(candidates, contexts)
    for tokens in (1, 5 * 12, 40 * 12):  # 1 pair, some contexts, some prompts per pass
        monkeypatch.setitem(imitation.TOKENS, "cpu", tokens)
        found = ImitationLoss(model, "fp32")(candidates, contexts)
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-7)
