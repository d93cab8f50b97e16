"""The policy of a backbone in many episodes at once, all at the same control step."""

import itertools
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np
import torch

from trajprompt.errors import TrajpromptError
from trajprompt.models.backbone import Backbone
from trajprompt.models.inference import InferenceModel
from trajprompt.models.prompt_dt import PromptDT
from trajprompt.models.window import Window
from trajprompt.numerics.device import keep_freed_memory, resolve_precision
from trajprompt.openvino import import_openvino
from trajprompt.settings.engine import default_engine, used_engine
from trajprompt.trajectories.segments import Segments

# Rows computed together on a CPU: the fastest of 8 to 128, within 2 %.
CPU_CHUNK = 32


class LockstepPolicy:
    """One backbone that acts in N episodes, all at the same control step.

    Each row has its own prompt. A row's actions do not depend on the number of threads.
    ``engine`` (openvino, torch; default: openvino if it is installed) computes them on a
    CPU; on a GPU, torch does. Use a policy for one episode per row.
    """

    def __init__(
        self,
        backbone: Backbone,
        prompts: Segments | None,  # (N, P, ..); None if the backbone takes no prompt
        rows: int,
        target_return: float | np.ndarray,  # reward units; one per row if an array
        precision: str = "auto",
        threads: int = 1,
        engine: str = "",
    ):
        check_prompts(backbone, prompts, rows)
        keep_freed_memory()
        self.backbone = backbone
        device = backbone.device.type
        engine = used_engine(engine or default_engine(), device, stacked_seeds=False)
        dtype = resolve_precision(precision, backbone.device)
        self.chunks = _chunks(rows, CPU_CHUNK if device == "cpu" else rows)
        parts = [
            (None if prompts is None else prompts.select(chunk), chunk.stop - chunk.start)
            for chunk in self.chunks
        ]
        self.windows = _windows(backbone.model, dtype, parts, threads, engine)
        self.map: Callable[..., Iterable[np.ndarray]] = map
        if threads > 1 and len(self.chunks) > 1:
            self.map = ThreadPoolExecutor(threads).map
        self.returns_to_go = (
            np.full(rows, target_return, np.float64) / backbone.return_scale
        )
        self.mean = backbone.normaliser.mean.cpu().numpy()
        self.std = backbone.normaliser.std.cpu().numpy()

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Actions (N, A) float32 for the observations (N, S) of this control step."""
        states = (observations.astype(np.float32) - self.mean) / self.std
        returns = self.returns_to_go.astype(np.float32)
        return np.concatenate(
            list(
                self.map(
                    lambda window, chunk: window.act(states[chunk], returns[chunk]),
                    self.windows,
                    self.chunks,
                )
            )
        )

    def receive(self, rewards: np.ndarray) -> None:
        """Subtract the rewards (N,) of the last actions from the returns-to-go."""
        self.returns_to_go -= rewards / self.backbone.return_scale


class _Window(Protocol):
    """Some rows of a policy."""

    def act(self, states: np.ndarray, returns: np.ndarray) -> np.ndarray:
        """Actions (b, A) for normalised states (b, S) and scaled returns-to-go (b,)."""
        ...


def _windows(
    model: PromptDT,
    dtype: torch.dtype,
    parts: Sequence[tuple[Segments | None, int]],
    threads: int,
    engine: str,
) -> Sequence[_Window]:
    """A window for each of ``parts``: prompts (b, P, ..) and number of rows b."""
    if engine == "torch":
        inference = InferenceModel(model, dtype)
        return [Window(inference, *part) for part in parts]
    import_openvino()
    from trajprompt.models.openvino_engine import engine_of

    compiled = engine_of(model, dtype)
    largest = max(rows for _, rows in parts)  # one compiled step for all
    return [
        compiled.window(prompts, largest, min(threads, len(parts))) for prompts, _ in parts
    ]


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
