"""The Contextual Meta Transformer: encoder, prompt adaptor and generator."""

import dataclasses
from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn

from trajprompt.models.cmt.config import CmtConfig
from trajprompt.models.cmt.encoder import History, TrajectoryEncoder
from trajprompt.models.cmt.generator import Generator
from trajprompt.models.cmt.prompt_adaptor import PromptAdaptor

ADAPTOR, CONSTANT = "adaptor.", "constant"  # names of tuned weights


class Cmt(nn.Module):
    """Model of stage 1; with an adaptor or a constant prompt, of stage 2.

    Rewards are divided by ``reward_scale``, changes of the state by ``change_scale``.
    """

    reward_scale: Tensor  # () root mean square of the data's rewards
    change_scale: Tensor  # (S,) standard deviations of the changes of normalised states

    def __init__(self, config: CmtConfig):
        super().__init__()
        self.config = config
        self.encoder = TrajectoryEncoder(config)
        self.generator = Generator(config)
        self.register_buffer("reward_scale", torch.ones(()))
        self.register_buffer("change_scale", torch.ones(config.state_dim))
        if config.adaptor:
            self.adaptor = PromptAdaptor(config.prompt_dim, config.adaptor)
        if config.constant_prompt:
            self.constant = nn.Parameter(torch.zeros(config.prompt_dim))

    def prompts(self, history: History) -> Tensor:
        """Prompts (B, Z) as the generator reads them."""
        if self.config.constant_prompt:
            return self.constant.expand(len(history.mask), -1)
        found = cast(Tensor, self.encoder(history))
        return self.adaptor(found) if self.config.adaptor else found


def tuned(model: Cmt, weights: Mapping[str, Tensor]) -> Cmt:
    """A copy of ``model`` with the tuned ``weights``: an adaptor's, or a constant prompt.

    Raises RuntimeError if the weights do not fit the model.
    """
    hidden = weights.get(f"{ADAPTOR}hidden.bias")
    changed = dataclasses.replace(
        model.config,
        adaptor=0 if hidden is None else hidden.numel(),
        constant_prompt=CONSTANT in weights,
    )
    kept = {
        name: tensor
        for name, tensor in model.state_dict().items()
        if name != CONSTANT and not name.startswith(ADAPTOR)
    }
    copy = Cmt(changed)
    copy.load_state_dict({**kept, **weights})
    return copy.to(model.reward_scale.device).eval()
