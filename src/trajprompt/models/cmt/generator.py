"""Generator A_g: a causal transformer over a prompt and the steps of a window.

The tokens are z, s_0, a_0, r_0, s_1, a_1, r_1, and so on. A state's token predicts the
action and the value, an action's token the reward, a reward's token the change of state:
"the future action, reward and state one by one" (section 4.1).
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from trajprompt.models.blocks import MASKED, Block, initialise_as_gpt2
from trajprompt.models.cmt.config import CmtConfig
from trajprompt.numerics.dropout import Dropout

TOKENS = 3  # per step: state, action, reward


class Predictions(NamedTuple):
    """Predictions for every step of a window."""

    actions: Tensor  # (B, K, A) in [-1, 1]
    values: Tensor  # (B, K) discounted sums of scaled rewards, times (1 - discount)
    rewards: Tensor  # (B, K) scaled
    changes: Tensor  # (B, K, S) of the state, in the model's scale of changes


class Generator(nn.Module):
    def __init__(self, config: CmtConfig):
        super().__init__()
        self.config, width = config, config.width
        self.prompt = nn.Linear(config.prompt_dim, width)
        self.state = nn.Linear(config.state_dim, width)
        self.action = nn.Linear(config.action_dim, width)
        self.reward = nn.Linear(1, width)
        self.step = nn.Embedding(config.context_length, width)
        self.norm = nn.LayerNorm(width)
        self.blocks = nn.ModuleList(
            Block(width, 4 * width, Dropout(0.0)) for _ in range(config.generator_layers)
        )
        self.output_norm = nn.LayerNorm(width)
        self.predict_action = nn.Linear(width, config.action_dim)
        self.predict_value = nn.Linear(width, 1)
        self.predict_reward = nn.Linear(width, 1)
        self.predict_change = nn.Linear(width, config.state_dim)
        initialise_as_gpt2(self.blocks)
        nn.init.normal_(self.step.weight, std=0.02)

    def forward(
        self, prompts: Tensor, states: Tensor, actions: Tensor, rewards: Tensor
    ) -> Predictions:
        """Predictions of windows: prompts (B, Z), (B, K, S), (B, K, A), rewards (B, K).

        Those of a step depend on earlier steps alone: padding at the end does not matter.
        """
        count, steps = states.shape[:2]
        place = self.step.weight[:steps]
        parts = [
            self.state(states) + place,
            self.action(actions) + place,
            self.reward(rewards[..., None]) + place,
        ]
        tokens = torch.stack(parts, 2).flatten(1, 2)  # (B, 3K, W)
        x = self.norm(torch.cat([self.prompt(prompts)[:, None], tokens], 1))
        total = x.shape[1]
        mask = torch.full((total, total), MASKED, device=x.device).triu(1)
        mask = mask.expand(count, -1, -1)
        for block in self.blocks:
            x = block(x, mask, slice(None))
        of_state, of_action, of_reward = (
            self.output_norm(x[:, 1:]).unflatten(1, (steps, TOKENS)).unbind(2)
        )
        return Predictions(
            torch.tanh(self.predict_action(of_state)),
            self.predict_value(of_state)[..., 0],
            self.predict_reward(of_action)[..., 0],
            self.predict_change(of_reward),
        )
