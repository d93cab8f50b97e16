"""Step-by-step inference by OpenVINO: the mathematics of models/inference.py, faster.

PyTorch starts some sixty operations per control step; with few rows that takes longer than
their arithmetic. OpenVINO compiles the step for a number of rows, fuses its operations and
packs its weights. The bits of a row depend on that number, on the processor and on
OpenVINO's version, but not on the number of threads.
"""

import copy
import functools
from typing import Any, NamedTuple

import numpy as np
import openvino
import torch
from openvino import Model
from torch import Tensor

from trajprompt.errors import TrajpromptError
from trajprompt.models.blocks import MASKED
from trajprompt.models.inference import InferenceModel
from trajprompt.models.openvino_graph import KEPT, StepGraph
from trajprompt.models.prompt_dt import PromptDT
from trajprompt.trajectories.segments import Segments

ENGINES = 8  # kept; a cell uses one, or one per set of tuned weights
HINTS = {torch.float32: "f32", torch.bfloat16: "bf16"}
# Without pinning, because jobs run side by side and would be pinned to the same core.
COMPILATION = {"ENABLE_CPU_PINNING": False, "ENABLE_HYPER_THREADING": True}


class Form(NamedTuple):
    """All that a compiled step depends on, besides the weights."""

    rows: int
    prompt: int  # tokens
    padded: bool  # True if steps of some prompts are padding
    threads: int  # that may run the step at the same time


class OpenVINOEngine:
    """A backbone's weights and its compiled steps, by their form."""

    def __init__(self, model: PromptDT, dtype: torch.dtype):
        self.model, self.dtype = copy.deepcopy(model), dtype  # callers may train theirs
        self.weights = InferenceModel(self.model, torch.float32)
        self.for_prompts = InferenceModel(self.model, dtype)
        self.times = self.model.embed_context.timesteps.weight.detach().numpy()
        self.steps: dict[Form, CompiledStep] = {}

    def has_weights_of(self, model: PromptDT) -> bool:
        """True if ``model`` has the sizes and values that the engine was built from."""
        if model.config != self.model.config:
            return False
        return all(map(torch.equal, self.model.parameters(), model.parameters()))

    def window(self, prompts: Segments | None, rows: int, threads: int) -> "OpenVINOWindow":
        """A window of up to ``rows`` rows, with ``prompts`` (b, P, ..) of b of them."""
        inputs = [] if prompts is None else self.for_prompts.prompt_inputs(prompts)
        padded = prompts is not None and not bool(prompts.mask.all())
        form = Form(rows, inputs[0].shape[1] if inputs else 0, padded, threads)
        if form not in self.steps:
            self.steps[form] = CompiledStep(self.weights, form, self.dtype)
        window = OpenVINOWindow(self, form)
        if prompts is not None:
            values = self.for_prompts.blocks[0].value.linear(inputs[0])
            window.set_prompt(inputs, values, prompts.mask)
        return window


_engines: list[OpenVINOEngine] = []  # the last used first


def engine_of(model: PromptDT, dtype: torch.dtype) -> OpenVINOEngine:
    """The engine of these weights, built unless it is among the last used."""
    found = next(
        (e for e in _engines if e.dtype is dtype and e.has_weights_of(model)), None
    )
    if found is None:
        found = OpenVINOEngine(model, dtype)
    others = [engine for engine in _engines if engine is not found]
    _engines[:] = [found, *others[: ENGINES - 1]]
    return found


class CompiledStep:
    """A control step, from observations to actions, as one graph.

    In bfloat16 it is three graphs, because embeddings and head stay in float32.
    """

    def __init__(self, weights: InferenceModel, form: Form, dtype: torch.dtype):
        graph = StepGraph(weights, form.rows, form.prompt, form.padded)
        if dtype is torch.float32:
            models = [(graph.whole(), dtype)]
        else:
            models = [
                (graph.embedding(), torch.float32),
                (graph.core(), dtype),
                (graph.head(), torch.float32),
            ]
        self.parts = [_compile(model, hint, form.threads) for model, hint in models]


@functools.cache
def _core() -> Any:
    return openvino.Core()


def _compile(model: Model, dtype: torch.dtype, threads: int) -> Any:
    """Compile for ``threads`` streams of one thread each."""
    config = {
        **COMPILATION,
        "NUM_STREAMS": threads,
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": HINTS[dtype],
    }
    compiled = _core().compile_model(model, "CPU", config)
    used = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
    if used != HINTS[dtype]:
        found = f"OpenVINO computes in {used} on this processor"
        remedy = "set compute.precision to auto, or compute.engine to torch"
        raise TrajpromptError("compute.precision", found, HINTS[dtype], remedy)
    return compiled


class OpenVINOWindow:
    """The last K steps of up to B rows, and the requests that compute the next one.

    The steps before the newest are in a ring of K - 1 slots. Slots are not in order of
    time; attention needs the order only in the mask.
    """

    def __init__(self, engine: OpenVINOEngine, form: Form):
        self.engine, self.form, self.time = engine, form, 0
        self.slots = engine.model.config.context_length - 1
        self.places = engine.model.tokens_per_step
        self.requests = [part.create_infer_request() for part in engine.steps[form].parts]
        self.arrays: dict[str, np.ndarray] = {}
        for request in self.requests:
            self._share_arrays(request)

    def _share_arrays(self, request: Any) -> None:
        """Make the request read and write arrays of this window, by name."""
        model = request.get_compiled_model()
        for port in (*model.inputs, *model.outputs):
            name = port.get_any_name()
            if name not in self.arrays:
                self.arrays[name] = np.zeros(tuple(port.shape), np.float32)
            request.set_tensor(name, openvino.Tensor(self.arrays[name], shared_memory=True))

    def set_prompt(self, inputs: list[Tensor], values: Tensor, mask: Tensor) -> None:
        """Set the prompt's keys (B, 3P, W) of every block and its values of the first."""
        rows, prompt = slice(len(values)), slice(self.form.prompt)
        self.arrays["old_keys"][rows, prompt] = inputs[0].float().numpy()
        self.arrays["old_values"][rows, prompt] = values.float().numpy()
        for block, keys in enumerate(inputs[1:], 1):
            self.arrays[f"prompt_{block}"][rows] = keys.float().numpy()
        if self.form.padded:
            hidden = ~mask.repeat_interleave(3, dim=1).numpy()
            self.arrays["padding"][rows, 0, prompt] = np.where(hidden, MASKED, 0.0)

    def act(self, states: np.ndarray, returns: np.ndarray) -> np.ndarray:
        """Actions (b, A) for normalised states (b, S) and scaled returns-to-go (b,)."""
        arrays, times, rows = self.arrays, self.engine.times, slice(len(states))
        arrays["states"][rows] = states
        if "returns" in arrays:
            arrays["returns"][rows, 0] = returns
        arrays["time_before"][0] = times[min(max(self.time - 1, 0), len(times) - 1)]
        arrays["time"][0] = times[min(self.time, len(times) - 1)]
        arrays["mask"][0] = step_mask(
            self._phase(), self.slots, self.places, self.form.prompt
        )
        for request in self.requests:
            request.infer()
        if self.slots:
            self._keep()
        arrays["previous"][:] = arrays["actions"]
        self.time += 1
        return arrays["actions"][rows].copy()

    def _phase(self) -> int:
        """The step, or after the first K - 1 the equivalent one from K - 1 onwards."""
        if self.time < self.slots or not self.slots:
            return min(self.time, self.slots)
        return self.slots + self.time % self.slots

    def _keep(self) -> None:
        """Put the newest step into the ring."""
        first = self.time % self.slots * self.places
        for name in KEPT:
            start = first + (self.form.prompt if name in ("keys", "values") else 0)
            self.arrays[f"old_{name}"][:, start : start + self.places] = self.arrays[name]


@functools.lru_cache(maxsize=256)
def step_mask(time: int, slots: int, places: int, prompt: int) -> np.ndarray:
    """Additive mask (n, prompt + n) of step ``time``: the ring's tokens, then the newest.

    The oldest step's previous action is outside the window.
    """
    steps = np.arange(slots)
    steps = time - 1 - (time - 1 - steps) % slots if slots else steps  # by slot
    steps = np.append(steps, time).repeat(places)
    place = np.tile(np.arange(places), slots + 1)
    order = steps * places + place
    visible = order[None, :] <= order[:, None]
    visible &= (steps >= 0) & ((steps > max(0, time - slots)) | (place > 0))
    mask = np.zeros((len(order), prompt + len(order)), np.float32)
    mask[:, prompt:] = np.where(visible, 0.0, MASKED)
    return mask
