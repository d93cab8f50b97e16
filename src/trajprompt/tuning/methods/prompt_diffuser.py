"""Prompt Diffuser: prompts from a conditional diffusion model (arXiv 2411.01168)."""

import dataclasses
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from annotated_types import Interval

from trajprompt.adaptations.adaptation import Adaptation, Extra
from trajprompt.settings.options import SmallCount
from trajprompt.tuning.generation.codec import PromptCodec
from trajprompt.tuning.generation.diffusion import (
    DenoisingStep,
    DiffusionConfig,
    PromptDiffusion,
)
from trajprompt.tuning.generation.loop import Generation
from trajprompt.tuning.generation.noise_schedule import MIN_STEPS
from trajprompt.tuning.generation.options import GenerationOptions
from trajprompt.tuning.protocol import TuningProblem, register

SNAPSHOTS = 11  # per reverse chain, including the initial noise and the final prompt


@dataclass(frozen=True)
class DiffuserOptions(GenerationOptions):
    # N, PD Table 4.
    diffusion_steps: Annotated[SmallCount, Interval(ge=MIN_STEPS)] = 100


@register("prompt-diffuser", DiffuserOptions, moves_prompts=True, reads_training_tasks=True)
def tune(problem: TuningProblem, options: DiffuserOptions) -> Adaptation:
    def build(codec: PromptCodec, generator: torch.Generator) -> PromptDiffusion:
        config = DiffusionConfig(steps=options.diffusion_steps, **options.network(codec))
        return PromptDiffusion.fresh(config, generator)

    generation = Generation(problem, options, build)
    adaptation = generation.run()
    extras = {**adaptation.extras, **_denoising(generation, options)}
    return dataclasses.replace(adaptation, extras=extras)


@torch.no_grad()
def _denoising(generation: Generation, options: DiffuserOptions) -> dict[str, Extra]:
    """Return snapshots of the denoising of the adapted prompts (PD Figure 4)."""
    model = generation.learner.model
    assert isinstance(model, PromptDiffusion)
    y, generator = generation.sampling_inputs()
    steps = options.diffusion_steps
    shown = np.linspace(steps, 0, SNAPSHOTS).round().astype(np.int64)
    chain = list(model.denoise(y, generator, options.temperature))
    kept = [chain[steps - left].x[:, 0] for left in shown]
    values = torch.stack(kept, dim=1).unflatten(-1, (generation.codec.length, -1))
    text = "(R, snapshots, P, S + A + 1): state, action, reward of each prompt step"
    left = "(snapshots,) denoising steps that are left"
    return {
        "denoising": Extra(values.cpu().numpy(), "of the range in training", text),
        "denoising_steps": Extra(shown, "step", left),
        "clipped": _clipped(chain, model.config.largest),
    }


def _clipped(chain: list[DenoisingStep], largest: float) -> Extra:
    """Return the clipped share of each denoised prompt, where L_DT has no gradient."""
    beyond = [(one.implied.abs() > largest).float().mean(dim=(1, 2)) for one in chain[1:]]
    text = "(R, N) of a prompt's numbers clipped to the range, from x_N to x_1"
    return Extra(torch.stack(beyond, dim=1).cpu().numpy(), "share", text)
