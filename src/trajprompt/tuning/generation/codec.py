"""Conversion of prompts to the vectors that a generative model reads and writes, and back.

Prompt Diffuser (arXiv 2411.01168): Eq. 8 for the prompt, Eq. 9 for its condition. Both are
min-max normalised to [-1, 1] for each kind of token (appendix B), or prompts for each
dimension of a state and an action. Values outside the range are clipped: a sampler within
[-1, 1] cannot generate them, and the network was not trained on such conditions.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from trajprompt.trajectories.segments import PromptSet, Segments


@dataclass(frozen=True)
class PromptRange:
    """Middle and half-width of token values, () or (D,); width 0 means a constant."""

    middle: Tensor
    half: Tensor

    @classmethod
    def of(cls, values: Tensor, per_dimension: bool = False) -> "PromptRange":
        """Fit to tokens (..., D): one range for all dimensions, or one for each."""
        flat = values.flatten(0, -2) if per_dimension else values.reshape(-1)
        low, high = flat.amin(dim=0), flat.amax(dim=0)
        return cls((high + low) / 2, (high - low) / 2)

    def encode(self, values: Tensor) -> Tensor:
        """Map values to [-1, 1]; constants to 0."""
        width = torch.where(self.half > 0, self.half, torch.inf)
        return ((values - self.middle) / width).clamp(-1.0, 1.0)

    def decode(self, values: Tensor) -> Tensor:
        return self.middle + self.half * values


@dataclass(frozen=True)
class PromptCodec:
    """Ranges of the training tasks' prompts, and the sizes of their tokens."""

    states: PromptRange
    actions: PromptRange
    rewards: PromptRange
    returns_to_go: PromptRange
    timesteps: PromptRange
    length: int  # P
    sizes: tuple[int, int, int]  # of a state, an action and a reward

    @classmethod
    def fit(cls, training: PromptSet, per_dimension: bool = False) -> "PromptCodec":
        prompts = training.prompts
        return cls(
            PromptRange.of(prompts.states, per_dimension),
            PromptRange.of(prompts.actions, per_dimension),
            PromptRange.of(training.rewards),
            PromptRange.of(prompts.returns_to_go),
            PromptRange.of(prompts.timesteps.float()),
            prompts.length,
            (prompts.states.shape[-1], prompts.actions.shape[-1], 1),
        )

    @property
    def features(self) -> int:
        """Number of values in a prompt: P (S + A + 1)."""
        return self.length * sum(self.sizes)

    @property
    def conditions(self) -> int:
        """Number of values in a prompt's condition: 2 P."""
        return 2 * self.length

    def encode(self, found: PromptSet) -> Tensor:
        """Encode prompts (..., P, ·) as (..., P (S + A + 1)), step by step (Eq. 8)."""
        parts = [
            self.states.encode(found.prompts.states),
            self.actions.encode(found.prompts.actions),
            self.rewards.encode(found.rewards),
        ]
        return torch.cat(parts, dim=-1).flatten(-2)

    def condition(self, prompts: Segments) -> Tensor:
        """Encode conditions as (..., 2 P): returns-to-go, then timesteps (Eq. 9)."""
        returns = self.returns_to_go.encode(prompts.returns_to_go.squeeze(-1))
        times = self.timesteps.encode(prompts.timesteps.float())
        return torch.cat([returns, times], dim=-1)

    def decode(self, vectors: Tensor, given: Segments) -> Segments:
        """Decode vectors (..., d) to prompts (..., P, ·) with the condition of ``given``.

        The rewards are dropped: a prompt has none (PD section 4.1).
        """
        steps = vectors.unflatten(-1, (self.length, sum(self.sizes)))
        states, actions, _ = steps.split(self.sizes, dim=-1)
        return given._replace(
            states=self.states.decode(states), actions=self.actions.decode(actions)
        )
