"""Trajectory encoder A_e: a bidirectional transformer from a history to a policy prompt."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from trajprompt.models.blocks import MASKED, Block, initialise_as_gpt2
from trajprompt.models.cmt.config import CmtConfig
from trajprompt.numerics.dropout import Dropout


class History(NamedTuple):
    """Up to H transitions before a step; the newest is last, padding comes first."""

    states: Tensor  # (B, H, S) normalised
    actions: Tensor  # (B, H, A)
    rewards: Tensor  # (B, H) in units of the model's reward scale
    mask: Tensor  # (B, H) False at padding


class TrajectoryEncoder(nn.Module):
    """One token per transition, and a summary token whose output is the prompt.

    Places are counted from the newest transition, so that padding does not matter.
    """

    def __init__(self, config: CmtConfig):
        super().__init__()
        width = config.width
        self.transition = nn.Linear(config.state_dim + config.action_dim + 1, width)
        self.place = nn.Embedding(config.history, width)
        self.summary = nn.Parameter(torch.empty(width))
        self.norm = nn.LayerNorm(width)
        self.blocks = nn.ModuleList(
            Block(width, 4 * width, Dropout(0.0)) for _ in range(config.encoder_layers)
        )
        self.output_norm = nn.LayerNorm(width)
        self.prompt = nn.Linear(width, config.prompt_dim)
        initialise_as_gpt2(self.blocks)
        nn.init.normal_(self.summary, std=0.02)
        nn.init.normal_(self.place.weight, std=0.02)

    def forward(self, history: History) -> Tensor:
        """Prompts (B, Z)."""
        parts = [history.states, history.actions, history.rewards[..., None]]
        tokens = self.transition(torch.cat(parts, -1)) + self.place.weight
        summary = self.summary.expand(len(tokens), 1, -1)
        x = self.norm(torch.cat([summary, tokens], 1))
        mask = torch.zeros(x.shape[:2], dtype=x.dtype, device=x.device)
        mask[:, 1:] = torch.where(history.mask, 0.0, MASKED)
        additive = mask[:, None].expand(-1, x.shape[1], -1)
        *inner, last = self.blocks
        for block in inner:
            x = block(x, additive, slice(None))
        x = last(x, additive[:, :1], slice(1))  # only the summary's output is read
        return self.prompt(self.output_norm(x[:, 0]))
