"""Prompt generators: their interface, their training and their training data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar

import torch
from torch import Tensor, nn

from trajprompt.numerics.flat_adamw import FlatAdamW
from trajprompt.numerics.row_layers import RowLayers
from trajprompt.trajectories.segments import PromptSet, Segments
from trajprompt.tuning.generation.codec import PromptCodec
from trajprompt.tuning.generation.projection import clip

BETAS = (0.9, 0.95)  # PD Table 4, Adam betas
WEIGHT_DECAY = 1e-4  # PD Table 4
GRADIENT_CLIP = 0.25  # PD Table 4, norm of each row's complete gradient

Model = TypeVar("Model", bound="Generator")


class Generator(Protocol):
    """A conditional model of prompts as vectors, one network per row."""

    vectors: Tensor  # (R, n) all weights
    layers: RowLayers

    def with_vectors(self: Model, vectors: Tensor) -> Model:
        """Return the same model with other weights (R, n)."""
        ...

    def loss(self, x0: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        """Return the loss (R,) of prompts (R, B, d) under conditions (R, B, c)."""
        ...

    def sample(self, y: Tensor, generator: torch.Generator, temperature: float) -> Tensor:
        """Generate prompts (R, B, d) for conditions (R, B, c), differentiably."""
        ...


class Learner:
    """A prompt generator in training: AdamW on its rows (a `checkpoint.Resumable`)."""

    def __init__(self, model: Generator, rows: int, learning_rate: float):
        self.vectors = nn.Parameter(model.vectors.detach().repeat(rows, 1))
        self.vectors.grad = torch.zeros_like(self.vectors)
        self.model = model.with_vectors(self.vectors)
        self.learning_rate = learning_rate
        self.optimiser = FlatAdamW(self.vectors, learning_rate, WEIGHT_DECAY, BETAS)

    def gradient(self, losses: Tensor) -> Tensor:
        """Return the gradient (R, n) of the rows' losses (R,)."""
        return torch.autograd.grad(losses.sum(), self.vectors)[0]

    def descend(self, gradient: Tensor, rate_factor: float = 1.0) -> None:
        """Take one step of every row along ``gradient`` (R, n), clipped row by row.

        ``rate_factor`` scales the learning rate.
        """
        assert self.vectors.grad is not None
        self.optimiser.learning_rate = self.learning_rate * rate_factor
        clip(gradient, GRADIENT_CLIP, out=self.vectors.grad)
        self.optimiser.step()

    def state(self) -> dict[str, Any]:
        return self.optimiser.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        self.optimiser.restore(state)


class Drawn(NamedTuple):
    """Random prompts of each row, encoded."""

    x0: Tensor  # (R, B, d)
    y: Tensor  # (R, B, c)
    places: Tensor  # (R, B) indices into the flattened set


@dataclass(frozen=True)
class EncodedPrompts:
    """Prompts to learn from, n for each of R rows, encoded for the generator."""

    x0: Tensor  # (R, n, d)
    y: Tensor  # (R, n, c)
    prompts: Segments  # (R, n, P, ..)

    @classmethod
    def of(cls, codec: PromptCodec, found: PromptSet) -> "EncodedPrompts":
        return cls(codec.encode(found), codec.condition(found.prompts), found.prompts)

    def draw(self, generator: torch.Generator, count: int) -> Drawn:
        """Draw ``count`` random prompts of each row, with replacement."""
        rows, size = self.x0.shape[:2]
        chosen = torch.randint(size, (rows, count), generator=generator).to(self.x0.device)
        places = chosen + size * torch.arange(rows, device=chosen.device)[:, None]
        x0, y = (
            part.flatten(0, 1).index_select(0, places.flatten()).view(rows, count, -1)
            for part in (self.x0, self.y)
        )
        return Drawn(x0, y, places)

    def prompts_at(self, places: Tensor) -> Segments:
        """Return the prompts (R, B, P, ..) at ``places`` (R, B) of a draw."""
        return self.prompts.flatten().select(places)
