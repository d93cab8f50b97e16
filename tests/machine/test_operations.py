"""Operations that benchmarks count by formula, against those that PyTorch executes."""

import sys
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from support.paths import ROOT
from trajprompt.models.backbone import Backbone
from trajprompt.models.prompt_dt import BackboneConfig, PromptDT
from trajprompt.models.stacked_inference import StackedInference
from trajprompt.trajectories.normaliser import Normaliser

STATES, ACTIONS, WIDTH, ROWS = 5, 3, 16, 4


@pytest.fixture
def operations(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(ROOT) / "benchmarks"))
    import operations

    yield operations
    del sys.modules["operations"]


@pytest.mark.parametrize("returns", [True, False])
@pytest.mark.parametrize("prompt_steps", [0, 5])
@pytest.mark.parametrize("layers", [2, 4])
def test_operations_of_a_control_step(operations, returns, prompt_steps, layers):
    config = BackboneConfig(
        STATES,
        ACTIONS,
        prompt_steps > 0,
        returns,
        WIDTH,
        layers,
        inner=40,
        context_length=7,
    )
    normaliser = Normaliser(torch.zeros(STATES), torch.ones(STATES))
    model = PromptDT(config).eval()
    backbone = Backbone("prompt-dt", "cheetah-vel", model, normaliser, 1.0, config)
    inference = StackedInference(
        [backbone], ROWS, prompt_steps, torch.float32, graphs=False
    )
    with FlopCounterMode(display=False) as counter:
        inference.step()
    per_row = counter.get_total_flops() / ROWS
    # Embeddings of the state and the last action, and the head; a return is one number.
    others = 2 * WIDTH * (STATES + 2 * ACTIONS)
    assert per_row == operations.control_step(config, prompt_steps) + others
