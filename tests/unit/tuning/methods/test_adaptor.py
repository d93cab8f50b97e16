"""Tuning of adaptors: the weights that learn, row by row."""

import dataclasses

import pytest
import torch

from support.adapted_models import adapted_model
from support.tuning_problem import ROWS
from trajprompt.adaptations.read import read_adaptation
from trajprompt.adaptations.write import write_adaptation
from trajprompt.tuning.methods.adaptor import AdaptorOptions, tune

OPTIONS = AdaptorOptions(
    iterations=3, steps_per_iteration=8, learning_rate=1e-2, bottleneck=4
)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_only_the_adaptors_learn(problem, precision, tmp_path):
    problem = dataclasses.replace(problem, precision=precision)
    adaptation = tune(problem, OPTIONS)
    assert adaptation.parameters == 2 * (16 * 4 + 4 + 4 * 16 + 16 + 2 * 16)
    by_row = [adaptation.history[4 * row : 4 * row + 4] for row in range(ROWS)]
    for history in by_row:
        assert history[-1].objective < history[1].objective
        assert history[-1].gradient_steps == 24
    write_adaptation(tmp_path / "a.h5", problem, adaptation, {})
    stored = read_adaptation(tmp_path / "a.h5")
    for row in range(ROWS):
        tuned = problem.backbone.with_weights(stored.weights[row])
        context = problem.samples.segments.select(row)
        prompt = problem.initial_prompts.select(slice(row, row + 1))
        with torch.no_grad():
            before, after = (
                (model(context, prompt) - context.actions)[context.mask].square().mean()
                for model in (problem.backbone.model, tuned.model)
            )
        assert after < before


def test_rows_start_equally_and_learn_separately(problem):
    tiny_rate = dataclasses.replace(OPTIONS, learning_rate=1e-9, weight_decay=0.0)
    unmoved = tune(problem, tiny_rate).weights
    for name, tensor in unmoved[0].items():
        torch.testing.assert_close(unmoved[2][name], tensor, rtol=0, atol=1e-6)
    moved = tune(problem, OPTIONS).weights
    assert not torch.equal(
        moved[0]["adaptors.0.up.weight"], moved[1]["adaptors.0.up.weight"]
    )


def test_backbones_without_prompt_can_have_adaptors(problem):
    model = adapted_model(adaptor=0, layers=2, uses_prompt=False)
    backbone = dataclasses.replace(problem.backbone, model=model, config=model.config)
    promptless = dataclasses.replace(problem, backbone=backbone, initial_prompts=None)
    adaptation = tune(promptless, OPTIONS)
    assert adaptation.last is None and len(adaptation.weights) == ROWS
