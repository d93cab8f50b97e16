"""A tiny tuning problem for every method, without simulator and files."""

import numpy as np
import torch

from trajprompt.models.backbone import Backbone
from trajprompt.models.prompt_dt import BackboneConfig, PromptDT
from trajprompt.seeds import stream, torch_generator
from trajprompt.tasks.registry import get_suite
from trajprompt.trajectories.normaliser import Normaliser
from trajprompt.trajectories.segments import PromptSet, Segments
from trajprompt.tuning.protocol import TuningProblem
from trajprompt.tuning.samples import FixedSamples

ROWS, PROMPT, CONTEXT, STATE, ACTION = 3, 2, 4, 20, 6
TRAINING_TASKS, DRAWS = 4, 8


def segments(*leading: int, length: int, seed: int) -> Segments:
    generator = torch_generator(stream(seed, "test"))

    def normal(width: int) -> torch.Tensor:
        return torch.randn(*leading, length, width, generator=generator)

    timesteps = torch.arange(length).expand(*leading, length).contiguous()
    mask = torch.ones(*leading, length, dtype=torch.bool)
    return Segments(normal(1), normal(STATE), normal(ACTION).tanh(), timesteps, mask)


def prompt_set(groups: int, seed: int) -> PromptSet:
    prompts = segments(groups, DRAWS, length=PROMPT, seed=seed)
    return PromptSet(prompts, segments(groups, DRAWS, length=PROMPT, seed=seed + 1)[0])


def make_problem() -> TuningProblem:
    torch.manual_seed(0)
    config = BackboneConfig(
        STATE, ACTION, width=16, layers=2, inner=32, context_length=CONTEXT
    )
    model = PromptDT(config).eval()
    for parameter in model.parameters():  # so that prompts matter
        parameter.data += 0.1 * torch.randn_like(parameter)
    normaliser = Normaliser(torch.zeros(STATE), torch.ones(STATE))
    contexts = segments(ROWS, 16, length=CONTEXT, seed=1)
    contexts.mask[:, ::3, :2] = False  # left padding
    return TuningProblem(
        suite=get_suite("cheetah-vel"),
        rows=np.array([2, 2, 7]),
        prompts=np.array([0, 1, 0]),
        backbone=Backbone("prompt-dt", "cheetah-vel", model, normaliser, 500.0, config),
        initial_prompts=segments(ROWS, length=PROMPT, seed=2),
        samples=FixedSamples(contexts),
        target_return=0.0,
        stream=stream(0, "tune"),
        precision="fp32",
        training_prompts=prompt_set(TRAINING_TASKS, seed=10),
        prompt_set=prompt_set(ROWS, seed=20),
        arms=[segments(4 + row, length=PROMPT, seed=30 + row) for row in range(ROWS)],
    )
