"""The prompt decision transformer (Xu et al. 2022, arXiv:2206.13499).

Architecture and sizes follow mxu34/prompt-dt at 5f665e5
(``prompt_decision_transformer.py``, ``trajectory_gpt2.py``), including its unused weights:
parameter counts are comparable (862,619 for cheetah, 866,084 for ant, 869,164 for reach).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Literal, cast

import torch
from annotated_types import Interval
from torch import Tensor, nn

from trajprompt.errors import TrajpromptError
from trajprompt.models.adaptor import adaptors
from trajprompt.models.blocks import EPSILON, MASKED, Block, initialise_as_gpt2
from trajprompt.models.prefix import Prefix
from trajprompt.numerics.dropout import Dropout
from trajprompt.numerics.layer_norm import LayerNorm
from trajprompt.settings.kinds import TRANSFORMERS, BackboneInputs
from trajprompt.settings.options import Count, Share, Strict
from trajprompt.trajectories.segments import Segments

Depth = Annotated[int, Interval(ge=2, le=100)]


def backbone_inputs(backbone: str) -> BackboneInputs:
    """Inputs of a kind of transformer; raises TrajpromptError for an unknown one."""
    if backbone not in TRANSFORMERS:
        expected = f"one of {', '.join(TRANSFORMERS)}"
        remedy = "choose one of these kinds"
        raise TrajpromptError("kind of backbone", f"found {backbone!r}", expected, remedy)
    return TRANSFORMERS[backbone]


@dataclass(frozen=True)
class BackboneConfig(Strict):
    """Sizes of a model; the defaults are the reference's (pdt_main.py).

    A file whose sizes exceed the bounds is damaged and is rejected.
    """

    state_dim: Count
    action_dim: Count
    uses_prompt: bool = True
    uses_returns: bool = True
    width: Count = 128
    layers: Depth = 3
    heads: Literal[1] = 1  # every paper here uses one; blocks.py relies on it
    inner: Count = 512  # 4 x width
    max_timestep: Count = 1000  # rows of the timestep tables; later steps use the last
    dropout: Share = 0.1  # of embeddings, attention weights and residual branches
    context_length: Count = 20  # K
    # Width of the bottleneck of each layer's adaptor; 0: no adaptors.
    adaptor: Annotated[int, Interval(ge=0, le=100_000)] = 0
    # Key and value pairs that are put before the tokens in each block; 0: no prefix.
    prefix: Annotated[int, Interval(ge=0, le=100_000)] = 0


class TokenEmbedding(nn.Module):
    """Tokens of a step's return, state and action, each plus the timestep's embedding."""

    def __init__(self, config: BackboneConfig):
        super().__init__()
        self.returns = nn.Linear(1, config.width)
        self.states = nn.Linear(config.state_dim, config.width)
        self.actions = nn.Linear(config.action_dim, config.width)
        self.timesteps = nn.Embedding(config.max_timestep, config.width)

    def forward(self, steps: Segments, with_returns: bool = True) -> Tensor:
        """Map (B, K, ..) to (B, 3K, W) in the order R, s, a; (B, 2K, W) without returns."""
        dtype = self.states.weight.dtype
        last = self.timesteps.num_embeddings - 1
        time = self.timesteps(steps.timesteps.clamp(max=last))  # (B, K, W)
        tokens = [
            self.states(steps.states.to(dtype)) + time,
            self.actions(steps.actions.to(dtype)) + time,
        ]
        if with_returns:
            tokens.insert(0, self.returns(steps.returns_to_go.to(dtype)) + time)
        return torch.stack(tokens, dim=2).flatten(1, 2)


class PromptDT(nn.Module):
    """Model that predicts the actions of a context, given a prompt of the same task."""

    def __init__(self, config: BackboneConfig):
        super().__init__()
        self.config = config
        self.embed_context = TokenEmbedding(config)
        self.embed_prompt = TokenEmbedding(config)
        self.norm_context = LayerNorm(config.width, eps=EPSILON)
        self.dropout = Dropout(config.dropout)
        self.blocks = nn.ModuleList(
            Block(config.width, config.inner, self.dropout) for _ in range(config.layers)
        )
        self.adaptors = adaptors(config.width, config.adaptor, config.layers)
        self.norm_final = LayerNorm(config.width, eps=EPSILON)
        self.predict_action = nn.Linear(config.width, config.action_dim)
        # Unused: GPT-2's one-word vocabulary and the reference's other two heads.
        self.vocabulary = nn.Embedding(1, config.width)
        self.predict_state = nn.Linear(config.width, config.state_dim)
        self.predict_return = nn.Linear(config.width, 1)
        initialise_as_gpt2(self.blocks)
        if config.prefix:
            for block in self.blocks:
                block.prefix = Prefix(config.prefix, config.width)
        self._freeze_unused()

    def _freeze_unused(self) -> None:
        """Freeze weights that the loss does not depend on: AdamW would decay them."""
        unused: list[nn.Module] = [self.vocabulary, self.predict_state, self.predict_return]
        if not self.config.uses_prompt:
            unused.append(self.embed_prompt)
        if not self.config.uses_returns:
            unused.append(self.embed_context.returns)
        for module in unused:
            module.requires_grad_(False)

    @property
    def tokens_per_step(self) -> int:
        """Number of tokens of a context step; a prompt step always has three."""
        return 3 if self.config.uses_returns else 2

    def forward(self, context: Segments, prompt: Segments | None = None) -> Tensor:
        """Predict actions (B, K, A) float32 for ``context`` (B, K, ..).

        ``prompt`` is (B or 1, P, ..). A step's action is predicted at its state token, from
        the steps before and the step's return and state. Predictions at padded steps are
        meaningless.
        """
        tokens, visible, first = self.embed(context, prompt)
        # No state token attends to the last action token, so it is left out.
        tokens, visible = tokens[:, :-1], visible[:, :-1]
        mask = additive_mask(visible, tokens.dtype)
        x = self.dropout(tokens)
        *lower, (last_block, last_adaptor) = self.layers()
        for block, adaptor in lower:
            x = adaptor(block(x, mask, slice(None)))
        # Of the last block, only the outputs at state tokens are needed.
        states = slice(first + self.tokens_per_step - 2, None, self.tokens_per_step)
        x = last_adaptor(last_block(x, mask[:, states], states))
        return torch.tanh(self.predict_action(self.norm_final(x)).float())

    def layers(self) -> Iterator[tuple[Block, nn.Module]]:
        """Every block with the adaptor after it."""
        return zip(cast(Iterable[Block], self.blocks), self.adaptors, strict=True)

    def embed(
        self, context: Segments, prompt: Segments | None
    ) -> tuple[Tensor, Tensor, int]:
        """Tokens (B, T, W), mask of real ones (B, T), index of the first context token."""
        tokens = self.norm_context(self.embed_context(context, self.config.uses_returns))
        visible = context.mask.repeat_interleave(self.tokens_per_step, dim=1)
        if not self.config.uses_prompt:
            return tokens, visible, 0
        if prompt is None:
            expected = "a prompt, because this backbone requires one"
            raise TrajpromptError("prompt", "found none", expected, "pass a prompt")
        before = self.embed_prompt(prompt)  # no layer norm, as in the reference
        mask = prompt.mask.repeat_interleave(3, dim=1)
        if len(before) != len(tokens):  # one prompt for the batch
            before, mask = before.expand(len(tokens), -1, -1), mask.expand(len(tokens), -1)
        joined = torch.cat([before, tokens], dim=1)
        return joined, torch.cat([mask, visible], dim=1), before.shape[1]


def additive_mask(visible: Tensor, dtype: torch.dtype) -> Tensor:
    """Mask (B, T, T) of real tokens (B, T): 0 where one attends to another, else MASKED."""
    length = visible.shape[1]
    causal = torch.ones(length, length, dtype=torch.bool, device=visible.device).tril()
    allowed = causal & visible[:, None, :]
    return torch.where(allowed, 0.0, MASKED).to(dtype)


def action_loss(predicted: Tensor, context: Segments) -> Tensor:
    """Mean squared action error over the real steps of the context, without the prompt."""
    weight = context.mask.unsqueeze(-1).to(predicted.dtype)  # (B, K, 1)
    squared = (predicted - context.actions.to(predicted.dtype)).square()
    return (squared * weight).sum() / (weight.sum() * predicted.shape[-1])
