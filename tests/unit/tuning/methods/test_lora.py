"""LoRA against its formula: W x + (alpha / r) B A x, nothing merged."""

import dataclasses

import pytest
import torch

from support.plain_attention import plain_forward
from support.tuning_problem import ROWS
from trajprompt.adaptations.read import read_adaptation
from trajprompt.adaptations.write import write_adaptation
from trajprompt.errors import TrajpromptError
from trajprompt.models.low_rank import LowRank, add_low_rank, stored_updates
from trajprompt.tuning.methods.lora import ADAPTED, LoraOptions, tune
from trajprompt.tuning.protocol import TuningProblem

OPTIONS = LoraOptions(
    iterations=3, steps_per_iteration=8, learning_rate=1e-2, rank=3, alpha=6.0
)
LAYERS = [f"blocks.{i}.{name}" for i in range(2) for name in ADAPTED]


def data(problem: TuningProblem, row: int = 0):
    prompt = problem.initial_prompts.select(slice(row, row + 1))
    return problem.samples.segments.select(row), prompt


def test_stored_updates_are_the_papers_formula(problem):
    stored = tune(problem, OPTIONS).weights[0]
    with torch.no_grad():
        _assert_formula(problem, stored)


def _assert_formula(problem, stored):
    updates = {
        layer: (stored[f"low_rank.{layer}.a"], stored[f"low_rank.{layer}.b"] / 2.0, 2.0)
        for layer in LAYERS
    }
    assert min(b.abs().max() for _, b, _ in updates.values()) > 1e-3
    context, prompt = data(problem)
    expected = plain_forward(problem.backbone.model, context, prompt, updates=updates)
    found = problem.backbone.with_weights(stored).model(context, prompt)
    mask = context.mask
    torch.testing.assert_close(found[mask], expected[mask], rtol=0, atol=2e-6)
    plain = problem.backbone.model(context, prompt)
    assert (found - plain)[mask].abs().max() > 1e-2


@torch.no_grad()
def test_the_initial_model_is_the_backbone_bit_for_bit(problem):
    model = problem.backbone.with_weights(problem.backbone.model.state_dict()).model
    generator = torch.Generator().manual_seed(0)
    updates = {
        name: LowRank(model.get_parameter(f"{name}.weight"), 4, 32.0, generator)
        for name in LAYERS
    }
    add_low_rank(model, updates)
    context, prompt = data(problem)
    plain = problem.backbone.model(context, prompt)
    assert torch.equal(model(context, prompt), plain)
    stored = stored_updates(updates)
    assert stored["low_rank.blocks.0.query.a"].abs().max() > 0
    assert torch.equal(problem.backbone.with_weights(stored).model(context, prompt), plain)


def test_gradients_are_those_of_the_formula(problem):
    model = problem.backbone.with_weights(problem.backbone.model.state_dict()).model
    generator = torch.Generator().manual_seed(0)
    updates = {
        name: LowRank(model.get_parameter(f"{name}.weight"), 2, 5.0, generator)
        for name in LAYERS
    }
    for update in updates.values():
        torch.nn.init.normal_(update.b, std=0.1)
    add_low_rank(model, updates)
    context, prompt = data(problem)
    model(context, prompt)[context.mask].square().sum().backward()
    factors = {
        name: (update.a.detach().requires_grad_(), update.b.detach().requires_grad_(), 2.5)
        for name, update in updates.items()
    }
    plain = plain_forward(problem.backbone.model, context, prompt, updates=factors)
    plain[context.mask].square().sum().backward()
    for name, (a, b, _) in factors.items():
        torch.testing.assert_close(updates[name].a.grad, a.grad, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(updates[name].b.grad, b.grad, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_it_learns_and_its_file_is_small(problem, precision, tmp_path):
    problem = dataclasses.replace(problem, precision=precision)
    adaptation = tune(problem, OPTIONS)
    for row in range(ROWS):
        history = adaptation.history[4 * row : 4 * row + 4]
        assert history[-1].objective < history[1].objective
    # Two layers, Wq and Wv (W = 16), A and B of rank 3.
    assert adaptation.parameters == 2 * 2 * 2 * 3 * 16
    write_adaptation(tmp_path / "a.h5", problem, adaptation, {})
    stored = read_adaptation(tmp_path / "a.h5")
    for row in range(ROWS):
        sizes = [tensor.numel() for tensor in stored.weights[row].values()]
        assert sum(sizes) == adaptation.parameters
        assert {t.dtype for t in stored.weights[row].values()} == {torch.float32}


def test_rows_start_from_the_same_a(problem):
    still = dataclasses.replace(OPTIONS, learning_rate=1e-9, weight_decay=0.0)
    weights = tune(problem, still).weights
    for name in weights[0]:
        torch.testing.assert_close(weights[0][name], weights[2][name], rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "change",
    [
        lambda w: w.pop("low_rank.blocks.0.query.b"),
        lambda w: w.update({"low_rank.blocks.0.query.b": torch.zeros(3, 3)}),
        lambda w: w.update({"low_rank.blocks.7.query.a": torch.zeros(3, 16)}),
        lambda w: w.update({"low_rank.blocks.0.query.more": torch.zeros(3)}),
        lambda w: w.update({"vocabulary.weight": torch.zeros(1, 16)}),
    ],
)
def test_updates_that_do_not_fit_are_refused(problem, change):
    weights = dict(tune(problem, OPTIONS).weights[0])
    change(weights)
    with pytest.raises(TrajpromptError, match="tuned weights"):
        problem.backbone.with_weights(weights)
