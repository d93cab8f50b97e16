"""Policies that act for many episodes at once, one control step after the other."""

import itertools
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from trajprompt.errors import TrajpromptError
from trajprompt.models.backbone import Backbone
from trajprompt.models.inference import InferenceModel, Window, ring_mask
from trajprompt.numerics.device import keep_freed_memory, resolve_precision
from trajprompt.trajectories.segments import Segments

# Rows computed together on a CPU: measured best of 8 to 64 with two threads at work. The
# hidden layer of 48 rows of 60 tokens is 3 MB in bfloat16.
CPU_CHUNK = 48


class LockstepPolicy:
    """One backbone acting in N episodes that are always at the same control step.

    Each row has its own prompt. A row's actions do not depend on the number of threads.
    A policy is used for one episode per row.
    """

    def __init__(
        self,
        backbone: Backbone,
        prompts: Segments | None,  # (N, P, ..), None if the backbone reads none
        rows: int,
        target_return: float | np.ndarray,  # reward units, per row if an array
        precision: str = "auto",
        threads: int = 1,
    ):
        _check_prompts(backbone, prompts, rows)
        keep_freed_memory()
        self.backbone = backbone
        device = backbone.device
        dtype = resolve_precision(precision, device)
        inference = InferenceModel(backbone.model, dtype)
        self.inference = inference
        self.chunks = _chunks(rows, CPU_CHUNK if device.type == "cpu" else rows)
        self.windows = [
            Window(
                inference,
                prompts.select(chunk).to(device) if prompts is not None else None,
                chunk.stop - chunk.start,
            )
            for chunk in self.chunks
        ]
        self.map: Callable[..., Iterable[Tensor]] = map
        if threads > 1 and len(self.chunks) > 1:
            self.map = ThreadPoolExecutor(threads).map
        self.returns_to_go = (
            np.full(rows, target_return, np.float64) / backbone.return_scale
        )
        self.time = 0
        self.actions: Tensor | None = None  # (N, A), of the step before
        self.masks: dict[tuple[int, int], Tensor] = {}

    @torch.no_grad()
    def act(self, observations: np.ndarray) -> np.ndarray:
        """(N, S) observations of this control step to (N, A) float32 actions."""
        before = self._action_tokens()
        now = self._state_tokens(observations)
        mask = self._mask()
        outputs = list(
            self.map(
                lambda window, chunk: self._advance(window, chunk, before, now, mask),
                self.windows,
                self.chunks,
            )
        )
        self.actions = self.inference.head(torch.cat(outputs))
        self.time += 1
        return self.actions.cpu().numpy()

    def receive(self, rewards: np.ndarray) -> None:
        """(N,) rewards that the actions earned, in reward units."""
        self.returns_to_go -= rewards / self.backbone.return_scale

    @torch.no_grad()  # per thread: workers need their own
    def _advance(
        self, window: Window, chunk: slice, before: Tensor | None, now: Tensor, mask: Tensor
    ) -> Tensor:
        """(b, W): enter the tokens of this step's rows ``chunk``, look with them."""
        length = self.backbone.config.context_length
        slot = self.time % length
        if before is not None:
            window.put((self.time - 1) % length, window.places - 1, before[chunk])
        window.put(slot, 0, now[chunk])
        return window.output(slot, min(self.time + 1, length), mask)

    def _mask(self) -> Tensor:
        length = self.backbone.config.context_length
        slot, steps = self.time % length, min(self.time + 1, length)
        if (slot, steps) not in self.masks:
            window = self.windows[0]
            self.masks[slot, steps] = ring_mask(
                slot, steps, window.places, window.prompt, length, like=window.x
            )
        return self.masks[slot, steps]

    def _state_tokens(self, observations: np.ndarray) -> Tensor:
        """(N, 2, W) return and state tokens of this step; (N, 1, W) without returns."""
        model, device = self.backbone.model, self.backbone.device
        raw = torch.as_tensor(observations, dtype=torch.float32, device=device)
        time = self._time_embedding(self.time)
        tokens = [
            model.embed_context.states(self.backbone.normaliser.normalise(raw)) + time
        ]
        if model.config.uses_returns:
            returns = torch.as_tensor(
                self.returns_to_go, dtype=torch.float32, device=device
            )
            tokens.insert(0, model.embed_context.returns(returns[:, None]) + time)
        return model.norm_context(torch.stack(tokens, dim=1)).to(self.inference.dtype)

    def _action_tokens(self) -> Tensor | None:
        """(N, 1, W) action tokens of the step before."""
        if self.actions is None:
            return None
        model = self.backbone.model
        tokens = model.embed_context.actions(self.actions) + self._time_embedding(
            self.time - 1
        )
        return model.norm_context(tokens)[:, None].to(self.inference.dtype)

    def _time_embedding(self, time: int) -> Tensor:
        table = self.backbone.model.embed_context.timesteps.weight
        return table[min(time, len(table) - 1)]


def _chunks(rows: int, largest: int) -> list[slice]:
    """Near-equal parts of at most ``largest`` rows, even in number if more than one.

    They do not depend on the number of threads, so neither do any bits.
    """
    count = -(-rows // max(1, largest))
    count += count % 2 if count > 1 else 0
    edges = [rows * i // max(1, count) for i in range(count + 1)]
    return [slice(first, end) for first, end in itertools.pairwise(edges)]


def _check_prompts(backbone: Backbone, prompts: Segments | None, rows: int) -> None:
    if not backbone.config.uses_prompt:
        if prompts is not None:
            raise TrajpromptError("prompts", "given", f"none: {backbone.name} reads none")
        return
    if prompts is None or prompts.leading != (rows,):
        found = "none" if prompts is None else f"leading shape {tuple(prompts.leading)}"
        raise TrajpromptError("prompts", found, f"one prompt for each of {rows} rows")
