"""Small models and random segments for the tests of models."""

import torch

from trajprompt.models.prompt_dt import (
    BackboneConfig,
    PromptDT,
    backbone_inputs,
)
from trajprompt.trajectories.segments import Segments

B, K, P, STATES, ACTIONS = 7, 20, 5, 20, 6


def make_config(name: str, **sizes: int) -> BackboneConfig:
    inputs = backbone_inputs(name)
    return BackboneConfig(
        STATES, ACTIONS, uses_prompt=inputs.prompt, uses_returns=inputs.returns, **sizes
    )


def make_model(name: str) -> PromptDT:
    torch.manual_seed(0)
    model = PromptDT(make_config(name)).eval()
    with torch.no_grad():  # initial biases and norms are trivial
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return model


def make_segments(
    length: int, batch: int = B, padded: bool = False, seed: int = 1
) -> Segments:
    generator = torch.Generator().manual_seed(seed)
    mask = torch.ones(batch, length, dtype=torch.bool)
    if padded:  # row i has i padded steps on the left
        mask = torch.arange(length) >= torch.arange(batch)[:, None]
    return Segments(
        torch.randn(batch, length, 1, generator=generator),
        torch.randn(batch, length, STATES, generator=generator),
        torch.rand(batch, length, ACTIONS, generator=generator) * 2 - 1,
        torch.randint(0, 200, (batch, length), generator=generator),
        mask,
    )
