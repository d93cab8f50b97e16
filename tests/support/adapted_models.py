"""A small model with adaptors."""

import torch

from support.tuning_problem import ACTION, STATE
from trajprompt.models.prompt_dt import BackboneConfig, PromptDT


def adapted_model(adaptor: int = 4, **sizes) -> PromptDT:
    torch.manual_seed(0)
    sizes = {"width": 16, "layers": 3, "inner": 32, **sizes}
    model = PromptDT(BackboneConfig(STATE, ACTION, adaptor=adaptor, **sizes)).eval()
    with torch.no_grad():
        for parameter in model.parameters():  # including FiLM
            parameter.add_(0.2 * torch.randn_like(parameter))
    return model
