"""The two methods that generate prompts, at sizes that take a second."""

import pytest

from trajprompt.tuning.generation.diffusion import PromptDiffusion
from trajprompt.tuning.generation.vae import PromptVAE
from trajprompt.tuning.methods.prompt_diffuser import DiffuserOptions
from trajprompt.tuning.methods.prompt_diffuser import tune as diffuse
from trajprompt.tuning.methods.prompt_vae import VAEOptions
from trajprompt.tuning.methods.prompt_vae import tune as autoencode

SIZES = {"pretraining_steps": 5, "iterations": 2, "steps_per_iteration": 3}
SIZES |= {"batch": 4, "contexts": 4, "chains": 2, "width": 16, "judging_batch": 8}
DIFFUSER = DiffuserOptions(**SIZES, diffusion_steps=25, learning_rate=1e-2)
VAE = VAEOptions(**SIZES, latent=2, learning_rate=1e-2)
METHODS = [(diffuse, DIFFUSER), (autoencode, VAE)]
MODELS = {diffuse: PromptDiffusion, autoencode: PromptVAE}
both = pytest.mark.parametrize(("tune", "options"), METHODS, ids=["diffuser", "vae"])
