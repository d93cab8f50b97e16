"""The policy of a backbone in many episodes at once, all at the same control step."""

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

# Rows computed together on a CPU: the fastest of 8 to 64, measured with two threads. The
# hidden layer of 48 rows of 60 tokens is 3 MB in bfloat16.
CPU_CHUNK = 48


class LockstepPolicy:
    """One backbone that acts in N episodes, all at the same control step.

    Each row has its own prompt. A row's actions do not depend on the number of threads.
    Use a policy for one episode per row.
    """

    def __init__(
        self,
        backbone: Backbone,
        prompts: Segments | None,  # (N, P, ..); None if the backbone takes no prompt
        rows: int,
        target_return: float | np.ndarray,  # reward units; one per row if an array
        precision: str = "auto",
        threads: int = 1,
    ):
        check_prompts(backbone, prompts, rows)
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
        self.actions: Tensor | None = None  # (N, A), of the previous step
        self.masks: dict[tuple[int, int], Tensor] = {}

    @torch.no_grad()
    def act(self, observations: np.ndarray) -> np.ndarray:
        """Actions (N, A) float32 for the observations (N, S) of this control step."""
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
        """Subtract the rewards (N,) of the last actions from the returns-to-go."""
        self.returns_to_go -= rewards / self.backbone.return_scale

    @torch.no_grad()  # set per thread, so also in the workers
    def _advance(
        self, window: Window, chunk: slice, before: Tensor | None, now: Tensor, mask: Tensor
    ) -> Tensor:
        """Store this step's tokens of the rows ``chunk``; return their outputs (b, W)."""
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
        """Return and state tokens (N, 2, W) of this step; (N, 1, W) without returns."""
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
        """Action tokens (N, 1, W) of the previous step; None at the first step."""
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
    """Split rows into near-equal parts of at most ``largest``: one or an even number.

    The parts do not depend on the number of threads, so the results do not either.
    """
    count = -(-rows // max(1, largest))
    count += count % 2 if count > 1 else 0
    edges = [rows * i // max(1, count) for i in range(count + 1)]
    return [slice(first, end) for first, end in itertools.pairwise(edges)]


def check_prompts(backbone: Backbone, prompts: Segments | None, rows: int) -> None:
    """Raise TrajpromptError unless the backbone gets the prompts that it takes."""
    if not backbone.config.uses_prompt:
        if prompts is not None:
            expected = f"no prompts: the backbone {backbone.name} takes no prompt"
            raise TrajpromptError("prompts", "found prompts", expected, "pass None")
        return
    if prompts is None or prompts.leading != (rows,):
        shape = "none" if prompts is None else f"shape {tuple(prompts.leading)}"
        expected = f"one prompt for each of {rows} rows"
        remedy = "pass prompts whose leading dimension is the number of rows"
        raise TrajpromptError("prompts", f"found {shape}", expected, remedy)
