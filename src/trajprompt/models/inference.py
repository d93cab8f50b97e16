"""A prompt decision transformer prepared for step-by-step inference.

Equal to `PromptDT.forward` up to rounding, at 40 % of its arithmetic:

* prompt tokens do not attend to the context, so their keys are computed once per episode;
* a token's input never changes (timesteps are absolute), so the per-token results of the
  first block are kept while the window slides;
* the last block is evaluated for the newest state token only;
* attention is folded to two matrices per block (blocks.py).

The blocks between depend on the start of the window and are recomputed at every step.
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
        """Map (.., in) to (.., out)."""
        return F.linear(x, self.weight, self.bias)

    def norm(self, x: Tensor) -> Tensor:
        """Layer norm over the last dimension."""
        return F.layer_norm(x, x.shape[-1:], self.weight, self.bias, EPSILON)


class InferenceAdaptor:
    """The weights of one adaptor, with FiLM folded into the up-projection."""

    def __init__(self, adaptor: Adaptor, dtype: torch.dtype):
        self.down = _affine(dtype, adaptor.down.weight, adaptor.down.bias)
        self.up = _affine(dtype, *adaptor.folded_up())

    def __call__(self, x: Tensor) -> Tensor:
        """Map (.., W) to (.., W)."""
        return linear_add(F.gelu(self.down.linear(x)), *self.up, residual=x)


class InferenceBlock:
    """The folded weights of one block and its adaptor, in the dtype of inference."""

    def __init__(self, block: Block, adaptor: nn.Module, dtype: torch.dtype):
        folded = block.fold()  # in float32, then rounded once
        # Attention weights sum to one, so both biases of the values can be added once.
        bias = folded.value_bias + block.project.bias
        self.query = _affine(dtype, folded.query_weight, folded.query_bias)
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
        """Map x (.., W) to x + mlp(norm(x)), then through the adaptor if there is one."""
        hidden = linear_relu(self.norm_mlp.norm(x), *self.expand)
        out = linear_add(hidden, *self.contract, residual=x)
        return out if self.adaptor is None else self.adaptor(out)

    def __call__(self, x: Tensor, queries: Tensor, keys: Tensor, mask: Tensor) -> Tensor:
        """Outputs (B, Q, W) of the tokens with residuals ``x`` (B, Q, W).

        ``queries`` (B, Q, W) and ``keys`` (B, T, W) are normalised inputs of the block.
        """
        query = self.query.linear(queries)
        scores = torch.baddbmm(mask, query, keys.transpose(1, 2))
        mixed = torch.bmm(torch.softmax(scores, dim=-1), keys)
        return self.mlp(linear_add(mixed, *self.value, residual=x))


class InferenceModel:
    """Weights of all blocks in the dtype of inference; embeddings and head stay float32."""

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
        """Map outputs (B, W) of the last block to actions (B, A) float32."""
        return torch.tanh(self.model.predict_action(self.model.norm_final(x.float())))


class Window:
    """The last K steps of B rows in a ring buffer of slots, one slot per step.

    A slot has one place per token of its step. Slots are not in order of time; attention
    needs the order only in the mask.
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
        self.x, self.queries, self.keys, self.values = (
            like.new_zeros(rows, tokens, config.width) for _ in range(4)
        )
        # Keys of the prompt's tokens in the blocks after the first.
        self.later = inputs[1:] or [like] * (config.layers - 1)
        if inputs:
            self.keys[:, : self.prompt] = inputs[0]
            self.values[:, : self.prompt] = inference.blocks[0].value.linear(inputs[0])
        self.padding = _prompt_padding(prompts, inference.dtype)

    def put(self, slot: int, place: int, tokens: Tensor) -> None:
        """Store tokens (B, n, W) of a step in ``slot``, from ``place`` onwards."""
        first = self.inference.blocks[0]
        start = self.prompt + slot * self.places + place
        part = slice(start, start + tokens.shape[1])
        keys = first.norm_attention.norm(tokens)
        self.x[:, part] = tokens
        self.keys[:, part] = keys
        self.queries[:, part] = first.query.linear(keys)
        self.values[:, part] = first.value.linear(keys)

    def output(self, slot: int, steps: int, mask: Tensor) -> Tensor:
        """Output (B, W) of the last block at the state token of ``slot``.

        ``mask`` (1, n, 3P + n) is for the n tokens of the first ``steps`` slots.
        """
        end = self.prompt + steps * self.places
        if self.padding is not None:
            mask = mask + F.pad(self.padding, (0, mask.shape[-1] - self.prompt))
        context = slice(self.prompt, end)
        first, *between, last = self.inference.blocks
        keys = self.keys[:, :end].transpose(1, 2)
        scores = torch.baddbmm(mask, self.queries[:, context], keys)
        weights = torch.softmax(scores, dim=-1)
        x = first.mlp(torch.baddbmm(self.x[:, context], weights, self.values[:, :end]))
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
    """Additive mask (1, n, prompt + n) of ``steps`` slots, of which ``slot`` is the newest.

    The newest slot's action token is not known yet, so no token attends to it.
    """
    slots = torch.arange(steps, device=like.device).repeat_interleave(places)
    place = torch.arange(places, device=like.device).repeat(steps)
    time = ((slots - slot - 1) % context_length) * places + place
    hidden = (time[None, :] > time[:, None]) | ((slots == slot) & (place == places - 1))
    mask = torch.zeros(1, len(slots), prompt + len(slots), device=like.device)
    mask[0, :, prompt:].masked_fill_(hidden, MASKED)
    return mask.to(like.dtype)


def _prompt_padding(prompts: Segments | None, dtype: torch.dtype) -> Tensor | None:
    """Additive mask (B, 1, 3P), or None if every step of every prompt is real."""
    if prompts is None or bool(prompts.mask.all()):
        return None
    visible = prompts.mask.repeat_interleave(3, dim=1)[:, None]
    return torch.where(visible, 0.0, MASKED).to(dtype)


def _affine(dtype: torch.dtype, weight: Tensor, bias: Tensor) -> Affine:
    return Affine(
        weight.detach().to(dtype).contiguous(), bias.detach().to(dtype).contiguous()
    )
