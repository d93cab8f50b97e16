"""Soft prompts: the gradient through the frozen backbone, and AdamW on it."""

import dataclasses

import numpy as np
import pytest
import torch

from support.tuning_problem import ROWS, segments
from trajprompt.numerics.linear import relu_mlp
from trajprompt.seeds import torch_generator
from trajprompt.tuning.imitation import ImitationLoss, PromptLoss
from trajprompt.tuning.methods.soft_prompt import SoftPromptOptions, tune
from trajprompt.tuning.prompt_vectors import to_prompts, to_vectors
from trajprompt.tuning.samples import draw_rows

OPTIONS = SoftPromptOptions(
    iterations=3, steps_per_iteration=4, batch=8, judging_batch=16, learning_rate=0.05
)


def test_loss_is_equation_5(problem):
    contexts, prompts = problem.samples.segments, problem.initial_prompts
    found = PromptLoss(problem.backbone, "fp32")(prompts, contexts)
    one_each = prompts.map(lambda x: x.unsqueeze(1))
    expected = ImitationLoss(problem.backbone.model, "fp32")(one_each, contexts)[:, 0]
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


def test_gradient_equals_finite_differences(problem):
    loss = PromptLoss(problem.backbone, "fp32")
    contexts, template = problem.samples.segments, problem.initial_prompts
    start = to_vectors(template).requires_grad_()
    loss(to_prompts(start, template), contexts).sum().backward()
    step = 1e-2
    estimate = torch.empty_like(start)
    for index in range(start.shape[1]):  # the same value of every row at once
        moved = torch.zeros_like(start)
        moved[:, index] = step
        with torch.no_grad():
            above, below = (
                loss(to_prompts(start + sign * moved, template), contexts)
                for sign in (1, -1)
            )
        estimate[:, index] = (above - below) / (2 * step)
    largest = start.grad.abs().max()
    assert largest > 1e-3
    torch.testing.assert_close(estimate, start.grad, rtol=0.0, atol=0.02 * float(largest))


def test_a_rows_gradient_depends_only_on_the_row(problem):
    loss = PromptLoss(problem.backbone, "fp32")
    start = to_vectors(problem.initial_prompts).requires_grad_()
    prompts = to_prompts(start, problem.initial_prompts)
    loss(prompts, problem.samples.segments)[1].backward()
    assert (start.grad[[0, 2]] == 0).all() and (start.grad[1] != 0).any()


def test_the_backbone_is_copied_and_frozen(problem):
    loss = PromptLoss(problem.backbone, "bf16")
    copied, original = loss.backbone.model, problem.backbone.model
    assert not any(p.requires_grad for p in copied.parameters())
    assert all(p.requires_grad for p in original.blocks.parameters())
    assert loss.backbone.blocks[0].query_back.dtype is torch.bfloat16


def test_steps_equal_pytorchs_adamw(problem):
    adaptation = tune(problem, OPTIONS)
    template = problem.initial_prompts
    position = to_vectors(template).requires_grad_()
    optimiser = torch.optim.AdamW(
        [position], lr=OPTIONS.learning_rate, weight_decay=OPTIONS.weight_decay
    )
    generator = torch_generator(problem.streams(2)[0])
    for _ in range(12):
        contexts = draw_rows(problem.samples, generator, ROWS, OPTIONS.batch)
        optimiser.zero_grad()
        for row in range(ROWS):  # one row at a time, through the model itself
            prompt = to_prompts(position, template).select(slice(row, row + 1))
            context = contexts.select(row)
            predicted = problem.backbone.model(context, prompt)
            (predicted - context.actions)[context.mask].square().mean().backward()
        optimiser.step()
    problem.backbone.model.zero_grad()
    found = to_vectors(adaptation.last)
    torch.testing.assert_close(found, position.detach(), rtol=1e-3, atol=1e-4)


def test_descends_and_counts(problem):
    options = dataclasses.replace(OPTIONS, iterations=6, batch=16)
    adaptation = tune(problem, options)
    objective = np.array([entry.objective for entry in adaptation.history])
    objective = objective.reshape(7, ROWS)  # iteration-major
    assert (objective[-1] < objective[0] - 5e-3).all()
    assert adaptation.best_iteration.tolist() == objective.argmin(axis=0).tolist()
    last = adaptation.history[-1]
    assert (last.gradient_steps, last.queries, last.simulator_steps) == (24, 7, 0)
    assert [entry.queries for entry in adaptation.history[::ROWS]] == [*range(1, 8)]
    moved = to_vectors(adaptation.last)[2] - to_vectors(problem.initial_prompts)[2]
    assert last.displacement == pytest.approx(float(moved.norm()))
    assert adaptation.parameters == to_vectors(problem.initial_prompts).shape[1]
    assert torch.equal(adaptation.last.mask, problem.initial_prompts.mask)


def test_the_literal_rate_hardly_moves_a_prompt(problem):
    """AdamW moves a value by about its rate per step, whatever the gradient's size."""
    options = SoftPromptOptions(iterations=20, steps_per_iteration=2, batch=8)
    assert (options.learning_rate, options.weight_decay) == (1e-4, 1e-4)
    adaptation = tune(problem, options)
    moved = to_vectors(adaptation.last) - to_vectors(problem.initial_prompts)
    assert 0 < float(moved.abs().max()) < 41e-4


def test_rows_are_independent(problem):
    """Other prompts in other rows change nothing in a row."""
    others = segments(ROWS, length=2, seed=9)
    for changed, initial in zip(others, problem.initial_prompts, strict=True):
        changed[0] = initial[0]
    first = tune(problem, OPTIONS).last
    second = tune(dataclasses.replace(problem, initial_prompts=others), OPTIONS).last
    torch.testing.assert_close(first.states[0], second.states[0], rtol=1e-4, atol=1e-5)
    assert not torch.allclose(first.states[1], second.states[1])


def test_frozen_weights_of_a_perceptron_get_no_gradient():
    sizes = ((8, 4), (8,), (4, 8), (4,))
    frozen = [torch.randn(size) for size in sizes]
    x = torch.randn(3, 5, 4, requires_grad=True)
    relu_mlp(x, *frozen).square().sum().backward()
    found, x.grad = x.grad, None
    trained = [tensor.clone().requires_grad_() for tensor in frozen]
    relu_mlp(x, *trained).square().sum().backward()
    torch.testing.assert_close(found, x.grad)
    assert all(tensor.grad is None for tensor in frozen)
    assert all(tensor.grad is not None for tensor in trained)
