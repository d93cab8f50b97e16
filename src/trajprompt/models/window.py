"""The window of a step-by-step policy, computed by PyTorch (see models/inference.py)."""

import functools

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from trajprompt.models.blocks import MASKED
from trajprompt.models.inference import InferenceModel
from trajprompt.trajectories.segments import Segments


class Window:
    """The last K steps of B rows in a ring buffer of slots, one slot per step.

    A slot has one place per token of its step. Slots are not in order of time; attention
    needs the order only in the mask.
    """

    def __init__(self, inference: InferenceModel, prompts: Segments | None, rows: int):
        if prompts is not None:
            prompts = prompts.to(inference.device)
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
        self.length, self.time = config.context_length, 0
        self.actions: Tensor | None = None  # (B, A), of the previous step

    @torch.no_grad()  # set per thread, so also in the workers
    def act(self, states: np.ndarray, returns: np.ndarray) -> np.ndarray:
        """Actions (B, A) for normalised states (B, S) and scaled returns-to-go (B,)."""
        inference, time, length = self.inference, self.time, self.length
        if self.actions is not None:
            before = inference.action_tokens(self.actions, time - 1)
            self.put((time - 1) % length, self.places - 1, before)
        s, rtg = (torch.from_numpy(x).to(inference.device) for x in (states, returns))
        self.put(time % length, 0, inference.state_tokens(s, rtg, time))
        steps = min(time + 1, length)
        mask = ring_mask(
            time % length,
            steps,
            self.places,
            self.prompt,
            length,
            self.x.dtype,
            self.x.device,
        )
        self.actions = inference.head(self.output(time % length, steps, mask))
        self.time += 1
        return self.actions.cpu().numpy()

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
        inputs = self.x[:, context], self.keys[:, context]
        weights, x = first.weigh(*inputs, scores, mapped=True)
        x = first.mlp(torch.baddbmm(x, weights, self.values[:, :end]))
        for block, prompt in zip(between, self.later, strict=False):
            queries = block.norm_attention.norm(x)
            x = block(x, queries, torch.cat([prompt, queries], dim=1), mask)
        queries = last.norm_attention.norm(x)
        keys = torch.cat([self.later[-1], queries], dim=1)
        place = slot * self.places + self.places - 2
        state = slice(place, place + 1)
        return last(x[:, state], queries[:, state], keys, mask[:, state]).squeeze(1)


@functools.lru_cache(maxsize=256)
def ring_mask(
    slot: int,
    steps: int,
    places: int,
    prompt: int,
    context_length: int,
    dtype: torch.dtype,
    device: torch.device,
) -> Tensor:
    """Additive mask (1, n, prompt + n) of ``steps`` slots, of which ``slot`` is the newest.

    The newest slot's action token is not known yet, so no token attends to it.
    """
    slots = torch.arange(steps, device=device).repeat_interleave(places)
    place = torch.arange(places, device=device).repeat(steps)
    time = ((slots - slot - 1) % context_length) * places + place
    hidden = (time[None, :] > time[:, None]) | ((slots == slot) & (place == places - 1))
    mask = torch.zeros(1, len(slots), prompt + len(slots), device=device)
    mask[0, :, prompt:].masked_fill_(hidden, MASKED)
    return mask.to(dtype)


def _prompt_padding(prompts: Segments | None, dtype: torch.dtype) -> Tensor | None:
    """Additive mask (B, 1, 3P), or None if every step of every prompt is real."""
    if prompts is None or bool(prompts.mask.all()):
        return None
    visible = prompts.mask.repeat_interleave(3, dim=1)[:, None]
    return torch.where(visible, 0.0, MASKED).to(dtype)
