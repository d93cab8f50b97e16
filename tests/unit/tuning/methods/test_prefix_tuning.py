"""Prefix tuning against attention with explicit key and value pairs."""

import dataclasses

import pytest
import torch

from support.plain_attention import plain_forward
from support.tuning_problem import PROMPT, ROWS
from trajprompt.adaptations.read import read_adaptation
from trajprompt.adaptations.write import write_adaptation
from trajprompt.errors import TrajpromptError
from trajprompt.tuning.methods.prefix_tuning import PrefixOptions, initial_prefix, tune

OPTIONS = PrefixOptions(iterations=3, steps_per_iteration=8, learning_rate=3e-2)


def data(problem, row: int = 0):
    prompt = problem.initial_prompts.select(slice(row, row + 1))
    return problem.samples.segments.select(row), prompt


def hide(prompt):
    return prompt._replace(mask=torch.zeros_like(prompt.mask))


def pairs_of(weights):
    names = [f"blocks.{i}.prefix" for i in range(2)]
    return [(weights[f"{name}.keys"], weights[f"{name}.values"]) for name in names]


@pytest.mark.parametrize("padded", [False, True])
@torch.no_grad()
def test_the_initial_model_is_the_backbone_with_its_prompt(problem, padded):
    context, prompt = data(problem)
    prompt.mask[:, 0] = not padded
    weights = initial_prefix(problem.backbone, prompt)
    assert len(weights["blocks.1.prefix.keys"]) == 3 * (PROMPT - padded)
    model = problem.backbone.with_weights(weights).model
    found, expected = (
        m(context, p) for m, p in ((model, hide(prompt)), (problem.backbone.model, prompt))
    )
    mask = context.mask
    torch.testing.assert_close(found[mask], expected[mask], rtol=0, atol=2e-6)
    without = problem.backbone.model(context, hide(prompt))
    assert (without - expected)[mask].abs().max() > 1e-2  # the prompt matters


def test_a_tuned_prefix_is_pairs_before_the_context(problem):
    """In the plain form there is no prompt at all."""
    adaptation = tune(problem, OPTIONS)
    with torch.no_grad():
        _assert_pairs(problem, adaptation)


def _assert_pairs(problem, adaptation):
    for row in range(ROWS):
        context, _ = data(problem, row)
        hidden = adaptation.last.select(slice(row, row + 1))
        assert not hidden.mask.any()
        pairs = pairs_of(adaptation.weights[row])
        expected = plain_forward(problem.backbone.model, context, None, pairs)
        found = problem.backbone.with_weights(adaptation.weights[row]).model(
            context, hidden
        )
        mask = context.mask
        torch.testing.assert_close(found[mask], expected[mask], rtol=0, atol=2e-6)


def test_gradients_are_those_of_explicit_pairs(problem):
    context, prompt = data(problem)
    weights = initial_prefix(problem.backbone, prompt)
    model = problem.backbone.with_weights(weights).model
    model(context, hide(prompt))[context.mask].square().sum().backward()
    pairs = [(k.requires_grad_(), v.requires_grad_()) for k, v in pairs_of(weights)]
    plain = plain_forward(problem.backbone.model, context, None, pairs)
    plain[context.mask].square().sum().backward()
    for block, (keys, values) in zip(model.blocks, pairs, strict=True):
        torch.testing.assert_close(block.prefix.keys.grad, keys.grad, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(
            block.prefix.values.grad, values.grad, rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_only_the_pairs_learn(problem, precision, tmp_path):
    problem = dataclasses.replace(problem, precision=precision)
    adaptation = tune(problem, OPTIONS)
    assert adaptation.parameters == 2 * 2 * 3 * PROMPT * 16  # layers, k and v, tokens, W
    for row in range(ROWS):
        history = adaptation.history[4 * row : 4 * row + 4]
        assert history[-1].objective < history[1].objective
    write_adaptation(tmp_path / "a.h5", problem, adaptation, {})
    stored = read_adaptation(tmp_path / "a.h5")
    assert torch.equal(stored.initial.mask, problem.initial_prompts.mask)
    for row in range(ROWS):
        tuned = problem.backbone.with_weights(stored.weights[row])
        assert tuned.config.prefix == 3 * PROMPT
        for name, tensor in problem.backbone.model.state_dict().items():
            assert torch.equal(tuned.model.state_dict()[name], tensor)


def test_bfloat16_does_not_round_what_is_stored(problem):
    problem = dataclasses.replace(problem, precision="bf16")
    still = dataclasses.replace(OPTIONS, learning_rate=1e-9, weight_decay=0.0)
    weights = tune(problem, still).weights[0]
    initial = initial_prefix(problem.backbone, data(problem)[1])
    for name, tensor in initial.items():
        torch.testing.assert_close(weights[name], tensor, rtol=0, atol=1e-6)


def test_a_prefix_that_does_not_fit_is_refused(problem):
    weights = initial_prefix(problem.backbone, data(problem)[1])
    del weights["blocks.1.prefix.values"]
    with pytest.raises(TrajpromptError, match="tuned weights.*blocks.1.prefix.values"):
        problem.backbone.with_weights(weights)
