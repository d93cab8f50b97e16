"""Prompts from a variational autoencoder (PD's Table 5); all else as in the diffuser."""

from dataclasses import dataclass

import torch

from trajprompt.adaptations.adaptation import Adaptation
from trajprompt.settings.options import Size
from trajprompt.tuning.generation.codec import PromptCodec
from trajprompt.tuning.generation.loop import adapt
from trajprompt.tuning.generation.options import GenerationOptions
from trajprompt.tuning.generation.vae import PromptVAE, VAEConfig
from trajprompt.tuning.protocol import TuningProblem, register


@dataclass(frozen=True)
class VAEOptions(GenerationOptions):
    latent: Size = 16  # not in the paper


@register("prompt-vae", VAEOptions, moves_prompts=True, reads_training_tasks=True)
def tune(problem: TuningProblem, options: VAEOptions) -> Adaptation:
    def build(codec: PromptCodec, generator: torch.Generator) -> PromptVAE:
        config = VAEConfig(latent=options.latent, **options.network(codec))
        return PromptVAE.fresh(config, generator)

    return adapt(problem, options, build)
