"""The prompt decision transformer (Xu et al. 2022, arXiv:2206.13499).

Architecture and sizes are those of mxu34/prompt-dt at 5f665e5
(``prompt_decision_transformer.py``, ``trajectory_gpt2.py``), its unused weights included,
so that parameter counts compare: 862,619 for the cheetah, 866,084 ant, 869,164 reach.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple, cast

import torch
from annotated_types import Interval
from torch import Tensor, nn

from trajprompt.errors import TrajpromptError
from trajprompt.models.adaptor import adaptors
from trajprompt.models.blocks import EPSILON, MASKED, Block, initialise_as_gpt2
from trajprompt.numerics.dropout import Dropout
from trajprompt.settings.options import Count, Share, Strict
from trajprompt.trajectories.segments import Segments


class Reads(NamedTuple):
    """What a backbone sees."""

    prompt: bool  # a trajectory prompt before the context
    returns: bool  # return-to-go tokens in the context; the prompt always has its own


Depth = Annotated[int, Interval(ge=2, le=100)]

# By the names of Prompt-Tuning DT's Table 1, which pretraining_values.py has too.
BACKBONES = {
    "prompt-dt": Reads(prompt=True, returns=True),
    # The reference trains with returns of zero and evaluates with a constant target;
    # here the context has no return tokens in either (docs/deviations.md).
    "prompt-mt-bc": Reads(prompt=True, returns=False),
    "mt-orl": Reads(prompt=False, returns=True),
}


def reads(backbone: str) -> Reads:
    """What the backbone called ``backbone`` sees; an unknown name is an error."""
    if backbone not in BACKBONES:
        raise TrajpromptError("backbone", repr(backbone), "one of " + ", ".join(BACKBONES))
    return BACKBONES[backbone]


@dataclass(frozen=True)
class BackboneConfig(Strict):
    """Sizes; the defaults are the reference's (pdt_main.py).

    A file that asks for more than the bounds is damaged; it is not tried.
    """

    state_dim: Count
    action_dim: Count
    uses_prompt: bool = True
    uses_returns: bool = True
    width: Count = 128
    layers: Depth = 3
    heads: Literal[1] = 1  # every paper here uses one; blocks.py relies on it
    inner: Count = 512  # 4 x width
    max_timestep: Count = 1000  # rows of the timestep tables; later steps share the last
    dropout: Share = 0.1  # of embeddings, attention weights and residual branches
    context_length: Count = 20  # K
    # Width of the bottleneck of each layer's adaptor; 0: no adaptors.
    adaptor: Annotated[int, Interval(ge=0, le=100_000)] = 0


class TokenEmbedding(nn.Module):
    """Return, state and action of a step to one token each, plus the step's embedding."""

    def __init__(self, config: BackboneConfig):
        super().__init__()
        self.returns = nn.Linear(1, config.width)
        self.states = nn.Linear(config.state_dim, config.width)
        self.actions = nn.Linear(config.action_dim, config.width)
        self.timesteps = nn.Embedding(config.max_timestep, config.width)

    def forward(self, steps: Segments, with_returns: bool = True) -> Tensor:
        """(B, K, ..) to (B, 3K, W) in the order R, s, a; (B, 2K, W) without returns."""
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
    """Actions for every step of a context, given a prompt of the same task."""

    def __init__(self, config: BackboneConfig):
        super().__init__()
        self.config = config
        self.embed_context = TokenEmbedding(config)
        self.embed_prompt = TokenEmbedding(config)
        self.norm_context = nn.LayerNorm(config.width, eps=EPSILON)
        self.dropout = Dropout(config.dropout)
        self.blocks = nn.ModuleList(
            Block(config.width, config.inner, self.dropout) for _ in range(config.layers)
        )
        self.adaptors = adaptors(config.width, config.adaptor, config.layers)
        self.norm_final = nn.LayerNorm(config.width, eps=EPSILON)
        self.predict_action = nn.Linear(config.width, config.action_dim)
        # Never used: GPT-2's one-word vocabulary and the reference's other two heads.
        self.vocabulary = nn.Embedding(1, config.width)
        self.predict_state = nn.Linear(config.width, config.state_dim)
        self.predict_return = nn.Linear(config.width, 1)
        initialise_as_gpt2(self.blocks)
        self._freeze_unused()

    def _freeze_unused(self) -> None:
        """No gradient, hence no weight decay, where the loss cannot reach."""
        unused: list[nn.Module] = [self.vocabulary, self.predict_state, self.predict_return]
        if not self.config.uses_prompt:
            unused.append(self.embed_prompt)
        if not self.config.uses_returns:
            unused.append(self.embed_context.returns)
        for module in unused:
            module.requires_grad_(False)

    @property
    def tokens_per_step(self) -> int:
        """Tokens of a context step; a prompt step always has three."""
        return 3 if self.config.uses_returns else 2

    def forward(self, context: Segments, prompt: Segments | None = None) -> Tensor:
        """(B, K, ..) steps and (B or 1, P, ..) prompt steps to actions (B, K, A), float32.

        The action of a step is read at its state token, so it sees the steps before and
        its own return and state. Actions at padded steps mean nothing.
        """
        tokens, visible, first = self.embed(context, prompt)
        # The last action token is seen by no state token: it is left out.
        tokens, visible = tokens[:, :-1], visible[:, :-1]
        mask = additive_mask(visible, tokens.dtype)
        x = self.dropout(tokens)
        *lower, (last_block, last_adaptor) = self.layers()
        for block, adaptor in lower:
            x = adaptor(block(x, mask, slice(None)))
        # Only the state tokens of the last block are ever read.
        states = slice(first + self.tokens_per_step - 2, None, self.tokens_per_step)
        x = last_adaptor(last_block(x, mask[:, states], states))
        return torch.tanh(self.predict_action(self.norm_final(x)).float())

    def layers(self) -> Iterator[tuple[Block, nn.Module]]:
        """Every block with the adaptor behind it."""
        return zip(cast(Iterable[Block], self.blocks), self.adaptors, strict=True)

    def embed(
        self, context: Segments, prompt: Segments | None
    ) -> tuple[Tensor, Tensor, int]:
        """Tokens (B, T, W), which of them are real (B, T), and the first of the context."""
        tokens = self.norm_context(self.embed_context(context, self.config.uses_returns))
        visible = context.mask.repeat_interleave(self.tokens_per_step, dim=1)
        if not self.config.uses_prompt:
            return tokens, visible, 0
        if prompt is None:
            raise TrajpromptError("prompt", "none", "a prompt: this backbone reads one")
        before = self.embed_prompt(prompt)  # no layer norm, as in the reference
        seen = prompt.mask.repeat_interleave(3, dim=1)
        if len(before) != len(tokens):  # one prompt for the whole batch
            before, seen = before.expand(len(tokens), -1, -1), seen.expand(len(tokens), -1)
        joined = torch.cat([before, tokens], dim=1)
        return joined, torch.cat([seen, visible], dim=1), before.shape[1]


def additive_mask(visible: Tensor, dtype: torch.dtype) -> Tensor:
    """(B, T) real tokens to (B, T, T): 0 where a token may look, else MASKED."""
    length = visible.shape[1]
    causal = torch.ones(length, length, dtype=torch.bool, device=visible.device).tril()
    seen = causal & visible[:, None, :]
    return torch.where(seen, 0.0, MASKED).to(dtype)


def action_loss(predicted: Tensor, context: Segments) -> Tensor:
    """Mean squared error over the real steps of the context; prompts are not in it."""
    weight = context.mask.unsqueeze(-1).to(predicted.dtype)  # (B, K, 1)
    squared = (predicted - context.actions.to(predicted.dtype)).square()
    return (squared * weight).sum() / (weight.sum() * predicted.shape[-1])
