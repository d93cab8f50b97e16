"""Prompt adaptor L (Eq. 4): z + W2 relu(W1 z), the identity at the start."""

import torch
from torch import Tensor, nn


class PromptAdaptor(nn.Module):
    """Residual perceptron on prompts whose last layer starts at zero.

    The paper says that L is "an identity function" in the first stage, not what it is made
    of.
    """

    def __init__(self, prompt_dim: int, hidden: int):
        super().__init__()
        self.hidden = nn.Linear(prompt_dim, hidden)
        self.output = nn.Linear(hidden, prompt_dim)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def forward(self, prompts: Tensor) -> Tensor:
        """Map prompts (B, Z) to (B, Z)."""
        return prompts + self.output(torch.relu(self.hidden(prompts)))
