"""Small backbones, prompts and observations for the tests of stacked play."""

import numpy as np
import torch

from trajprompt.models.backbone import Backbone
from trajprompt.models.prompt_dt import BackboneConfig, PromptDT, backbone_inputs
from trajprompt.rollout.loop import Policy
from trajprompt.trajectories.normaliser import Normaliser
from trajprompt.trajectories.segments import Segments

STATES, ACTIONS, STEPS, K, PROMPT = 20, 6, 17, 5, 4


def make_backbone(seed: int, name: str = "prompt-dt", **sizes: int) -> Backbone:
    """A backbone with weights far from the initial ones, and a normaliser of its own."""
    torch.manual_seed(seed)
    config = BackboneConfig(
        STATES, ACTIONS, *backbone_inputs(name), width=32, inner=64, context_length=K,
        max_timestep=STEPS - 3, **sizes,
    )  # fmt: skip
    model = PromptDT(config).eval()
    with torch.no_grad():
        for parameter in (*model.blocks.parameters(), *model.adaptors.parameters()):
            parameter.add_(0.2 * torch.randn_like(parameter))
    normaliser = Normaliser(torch.randn(STATES), torch.rand(STATES) + 0.5)
    return Backbone(name, "cheetah-vel", model, normaliser, 50.0 + seed, config)


def make_prompts(seed: int, rows: int, padded: bool = False) -> Segments:
    generator = torch.Generator().manual_seed(seed)
    mask = torch.ones(rows, PROMPT, dtype=torch.bool)
    if padded:
        mask[: rows // 2, 0] = False
    return Segments(
        torch.randn(rows, PROMPT, 1, generator=generator),
        torch.randn(rows, PROMPT, STATES, generator=generator),
        torch.rand(rows, PROMPT, ACTIONS, generator=generator),
        torch.randint(0, STEPS - 3, (rows, PROMPT), generator=generator),
        mask,
    )


def observations(seed: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Observations (T, N, S) and rewards (T, N) of an actor."""
    rng = np.random.default_rng(seed)
    seen = rng.normal(size=(STEPS, rows, STATES)).astype(np.float32)
    return seen, rng.normal(size=(STEPS, rows))


def play(policy: Policy, seen: np.ndarray, rewards: np.ndarray) -> np.ndarray:
    """Actions (T, N, A) of the policy."""
    actions = []
    for observed, earned in zip(seen, rewards, strict=True):
        actions.append(policy.act(observed))
        policy.receive(earned)
    return np.stack(actions)
