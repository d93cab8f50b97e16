"""Step-by-step generation with a cache, for play and planning.

Each layer keeps its normalised inputs and values of all tokens so far: a new token is one
row of each product, where the generator's forward pass computes the whole window.
"""

from typing import cast

import torch
from torch import Tensor
from torch.nn import functional as F

from trajprompt.models.blocks import Block
from trajprompt.models.cmt.generator import TOKENS, Generator


class CachedGenerator:
    """The generator in B windows, token by token; a step has a state, action and reward."""

    def __init__(self, generator: Generator, prompts: Tensor):
        """Windows that begin with the prompts (B, Z)."""
        self.generator = generator
        self.layers = [cast(Block, block) for block in generator.blocks]
        self.folded = [block.fold() for block in self.layers]
        longest = 1 + TOKENS * generator.config.context_length
        shape = (len(self.layers), len(prompts), longest, generator.config.width)
        self.keys, self.values = (prompts.new_empty(shape) for _ in range(2))
        self.tokens = 0  # so far
        self._append(generator.prompt(prompts))

    @property
    def steps(self) -> int:
        """Complete steps so far."""
        return (self.tokens - 1) // TOKENS

    def select(self, rows: Tensor) -> "CachedGenerator":
        """A copy of the windows ``rows`` (B',), in this order, possibly repeated."""
        copy = object.__new__(CachedGenerator)
        copy.__dict__.update(self.__dict__)
        copy.keys, copy.values = self.keys[:, rows], self.values[:, rows]
        return copy

    def add_state(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """Append states (B, S); return the actions (B, A) and values (B,)."""
        generator = self.generator
        x = self._append(generator.state(states) + self._place())
        actions = torch.tanh(generator.predict_action(x))
        return actions, generator.predict_value(x)[:, 0]

    def add_action(self, actions: Tensor) -> Tensor:
        """Append actions (B, A); return the rewards (B,)."""
        x = self._append(self.generator.action(actions) + self._place())
        return self.generator.predict_reward(x)[:, 0]

    def add_reward(self, rewards: Tensor) -> Tensor:
        """Append rewards (B,); return the changes (B, S) of the state."""
        x = self._append(self.generator.reward(rewards[:, None]) + self._place())
        return self.generator.predict_change(x)

    def _place(self) -> Tensor:
        return self.generator.step.weight[self.steps]

    def _append(self, token: Tensor) -> Tensor:
        """Outputs (B, W) of a new token (B, W)."""
        x, end = self.generator.norm(token), self.tokens + 1
        for layer, (block, folded) in enumerate(zip(self.layers, self.folded, strict=True)):
            inputs = block.norm_attention(x)
            self.keys[layer, :, self.tokens] = inputs
            self.values[layer, :, self.tokens] = F.linear(
                inputs, folded.value_weight, folded.value_bias
            )
            query = F.linear(inputs, folded.query_weight, folded.query_bias)
            scores = torch.bmm(self.keys[layer, :, :end], query[..., None])  # (B, t, 1)
            weights = torch.softmax(scores, 1).transpose(1, 2)
            attended = torch.bmm(weights, self.values[layer, :, :end])[:, 0]
            x = x + attended + block.project.bias
            x = x + block.mlp(block.norm_mlp(x))
        self.tokens = end
        return self.generator.output_norm(x)
