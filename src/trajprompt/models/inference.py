"""A prompt decision transformer prepared for step-by-step inference.

Exact with respect to `PromptDT.forward` up to rounding, for 40 % of its arithmetic:

* prompt tokens see no context, so what they offer as keys is computed once per episode;
* a token's input never changes (timesteps are absolute), so what the first block derives
  from single tokens is kept while the window slides over them;
* the last block is evaluated for the newest state token only;
* attention is folded to two matrices per block (blocks.py).

The blocks between depend on the start of the window and are computed anew at every step.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trajprompt.models.adaptor import Adaptor
from trajprompt.models.blocks import EPSILON, MASKED, Block
from trajprompt.models.prompt_dt import PromptDT, additive_mask
from trajprompt.numerics.linear import linear_add, linear_relu
from trajprompt.trajectories.segments import Segments


class Affine(NamedTuple):
    """Weight and bias of a linear map or a layer norm."""

    weight: Tensor
    bias: Tensor

    def linear(self, x: Tensor) -> Tensor:
        """(.., in) to (.., out)."""
        return F.linear(x, self.weight, self.bias)

    def norm(self, x: Tensor) -> Tensor:
        """Layer norm over the last dimension."""
        return F.layer_norm(x, x.shape[-1:], self.weight, self.bias, EPSILON)


class InferenceAdaptor:
    """The weights of one adaptor, FiLM folded into the up-projection."""

    def __init__(self, adaptor: Adaptor, dtype: torch.dtype):
        self.down = _affine(dtype, adaptor.down.weight, adaptor.down.bias)
        self.up = _affine(dtype, *adaptor.folded_up())

    def __call__(self, x: Tensor) -> Tensor:
        """(.., W) to (.., W)."""
        return linear_add(F.gelu(self.down.linear(x)), *self.up, residual=x)


class InferenceBlock:
    """The weights of one block and its adaptor, folded, in the number type of inference."""

    def __init__(self, block: Block, adaptor: nn.Module, dtype: torch.dtype):
        folded = block.fold()  # in float32, then rounded once
        # Attention weights sum to one, so both biases of the values can be added once.
        bias = folded.value_bias + block.project.bias
        self.look = _affine(dtype, folded.look_weight, folded.look_bias)
        self.value = _affine(dtype, folded.value_weight, bias)
        norms = block.norm_attention, block.norm_mlp
        self.norm_attention, self.norm_mlp = (
            _affine(dtype, norm.weight, norm.bias) for norm in norms
        )
        self.expand = _affine(dtype, block.expand.weight, block.expand.bias)
        self.contract = _affine(dtype, block.contract.weight, block.contract.bias)
        self.adaptor = None
        if isinstance(adaptor, Adaptor):
            self.adaptor = InferenceAdaptor(adaptor, dtype)

    def mlp(self, x: Tensor) -> Tensor:
        """x + mlp(norm(x)) and the adaptor, if there is one, (.., W)."""
        hidden = linear_relu(self.norm_mlp.norm(x), *self.expand)
        out = linear_add(hidden, *self.contract, residual=x)
        return out if self.adaptor is None else self.adaptor(out)

    def __call__(self, x: Tensor, queries: Tensor, keys: Tensor, mask: Tensor) -> Tensor:
        """Residual x and normalised queries (B, Q, W), keys (B, T, W) to (B, Q, W)."""
        look = self.look.linear(queries)
        scores = torch.baddbmm(mask, look, keys.transpose(1, 2))
        mixed = torch.bmm(torch.softmax(scores, dim=-1), keys)
        return self.mlp(linear_add(mixed, *self.value, residual=x))


class InferenceModel:
    """All weights that the window needs; embeddings and head stay in float32."""

    @torch.no_grad()
    def __init__(self, model: PromptDT, dtype: torch.dtype):
        self.model = model
        self.dtype = dtype
        self.device = model.predict_action.weight.device
        self.blocks = [InferenceBlock(*layer, dtype) for layer in model.layers()]

    @torch.no_grad()
    def prompt_inputs(self, prompts: Segments) -> list[Tensor]:
        """The normalised input (B, 3P, W) of every block at the prompt's tokens."""
        x = self.model.embed_prompt(prompts).to(self.dtype)
        mask = additive_mask(prompts.mask.repeat_interleave(3, dim=1), self.dtype)
        inputs = []
        for block in self.blocks:
            keys = block.norm_attention.norm(x)
            inputs.append(keys)
            x = block(x, keys, keys, mask)
        return inputs

    @torch.no_grad()
    def head(self, x: Tensor) -> Tensor:
        """(B, W) output of the last block to actions (B, A) float32."""
        return torch.tanh(self.model.predict_action(self.model.norm_final(x.float())))


class Window:
    """The last K steps of B rows in a ring of slots, each with one token per place.

    Rows of the ring are not in order of time; the mask is, and attention needs no more.
    """

    def __init__(self, inference: InferenceModel, prompts: Segments | None, rows: int):
        config = inference.model.config
        self.inference = inference
        self.places = inference.model.tokens_per_step
        inputs = inference.prompt_inputs(prompts) if prompts is not None else []
        self.prompt = inputs[0].shape[1] if inputs else 0
        tokens = self.prompt + self.places * config.context_length
        like = torch.zeros(
            rows, 0, config.width, dtype=inference.dtype, device=inference.device
        )
        self.x, self.look, self.keys, self.values = (
            like.new_zeros(rows, tokens, config.width) for _ in range(4)
        )
        # What the prompt's tokens offer as keys in the blocks after the first.
        self.later = inputs[1:] or [like] * (config.layers - 1)
        if inputs:
            self.keys[:, : self.prompt] = inputs[0]
            self.values[:, : self.prompt] = inference.blocks[0].value.linear(inputs[0])
        self.padding = _prompt_padding(prompts, inference.dtype)

    def put(self, slot: int, place: int, tokens: Tensor) -> None:
        """Enter tokens (B, n, W) of a step, which begin at ``place``."""
        first = self.inference.blocks[0]
        start = self.prompt + slot * self.places + place
        part = slice(start, start + tokens.shape[1])
        keys = first.norm_attention.norm(tokens)
        self.x[:, part] = tokens
        self.keys[:, part] = keys
        self.look[:, part] = first.look.linear(keys)
        self.values[:, part] = first.value.linear(keys)

    def output(self, slot: int, steps: int, mask: Tensor) -> Tensor:
        """The last block at the state token of ``slot``, (B, W).

        ``mask`` (1, n, 3P + n) for the n tokens of the first ``steps`` slots.
        """
        end = self.prompt + steps * self.places
        if self.padding is not None:
            mask = mask + F.pad(self.padding, (0, mask.shape[-1] - self.prompt))
        own = slice(self.prompt, end)
        first, *between, last = self.inference.blocks
        scores = torch.baddbmm(mask, self.look[:, own], self.keys[:, :end].transpose(1, 2))
        weights = torch.softmax(scores, dim=-1)
        x = first.mlp(torch.baddbmm(self.x[:, own], weights, self.values[:, :end]))
        for block, prompt in zip(between, self.later, strict=False):
            queries = block.norm_attention.norm(x)
            x = block(x, queries, torch.cat([prompt, queries], dim=1), mask)
        queries = last.norm_attention.norm(x)
        keys = torch.cat([self.later[-1], queries], dim=1)
        place = slot * self.places + self.places - 2
        state = slice(place, place + 1)
        return last(x[:, state], queries[:, state], keys, mask[:, state]).squeeze(1)


def ring_mask(
    slot: int, steps: int, places: int, prompt: int, context_length: int, like: Tensor
) -> Tensor:
    """(1, n, prompt + n) additive mask of ``steps`` slots, of which ``slot`` is newest.

    The newest slot's action token is not known yet: nothing looks at it.
    """
    slots = torch.arange(steps, device=like.device).repeat_interleave(places)
    place = torch.arange(places, device=like.device).repeat(steps)
    time = ((slots - slot - 1) % context_length) * places + place
    hidden = (time[None, :] > time[:, None]) | ((slots == slot) & (place == places - 1))
    mask = torch.zeros(1, len(slots), prompt + len(slots), device=like.device)
    mask[0, :, prompt:].masked_fill_(hidden, MASKED)
    return mask.to(like.dtype)


def _prompt_padding(prompts: Segments | None, dtype: torch.dtype) -> Tensor | None:
    """(B, 1, 3P) additive mask, or None if every step of every prompt is real."""
    if prompts is None or bool(prompts.mask.all()):
        return None
    visible = prompts.mask.repeat_interleave(3, dim=1)[:, None]
    return torch.where(visible, 0.0, MASKED).to(dtype)


def _affine(dtype: torch.dtype, weight: Tensor, bias: Tensor) -> Affine:
    return Affine(
        weight.detach().to(dtype).contiguous(), bias.detach().to(dtype).contiguous()
    )
