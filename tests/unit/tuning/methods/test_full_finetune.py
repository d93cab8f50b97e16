"""Fine-tuning of all weights."""

import torch

from support.tiny_methods import OPTIONS
from support.tuning_problem import ROWS
from trajprompt.tuning.registry import get_method


def test_finetuning_learns(problem):
    adaptation = get_method("full-finetune").tune(problem, OPTIONS["full-finetune"])
    frozen = problem.backbone.model.state_dict()
    for row in range(ROWS):
        history = [
            e
            for e in adaptation.history
            if (e.task, e.prompt) == (problem.rows[row], problem.prompts[row])
        ]
        assert history[-1].objective < history[1].objective
        assert history[-1].gradient_steps == 24
        assert not torch.equal(
            adaptation.weights[row]["predict_action.weight"],
            frozen["predict_action.weight"],
        )
    first, second = (adaptation.weights[row]["predict_action.weight"] for row in (0, 1))
    assert not torch.equal(first, second)
