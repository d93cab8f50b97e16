"""Clock, description and peak rates of the device that a benchmark measures."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from machine import describe
from trajprompt.artifacts.checkpoint import Checkpoint, Resumable

WARM_UP = 5  # calls before a measurement; a CUDA graph is captured in the fourth
BYTES = 2**28  # of the copy that measures the bandwidth


class Enough(Exception):
    """Raised inside a loop that was measured for long enough."""


def now(device: torch.device) -> float:
    """Seconds: of the wall on a GPU, once it is idle; of this process on a CPU."""
    if device.type == "cuda":
        torch.cuda.synchronize()
        return time.perf_counter()
    return time.process_time()


def seconds_per_call(
    work: Callable[[], object], device: torch.device, limit: float, warm_up: int = WARM_UP
) -> float:
    """Mean seconds of a call, over at least two calls and ``limit`` seconds."""
    for _ in range(warm_up if device.type == "cuda" else 1):
        work()
    start, calls = now(device), 0
    began = time.perf_counter()
    while calls < 2 or time.perf_counter() - began < limit:
        work()
        calls += 1
    return (now(device) - start) / calls


class SampledLoop(Checkpoint):
    """Checkpoint that measures a loop of a stage, and ends it after ``limit`` seconds.

    Steps before ``first`` and ``warm_up`` more are not timed. The loop may have any number
    of steps; a second loop is not measured.
    """

    def __init__(
        self, device: torch.device, limit: float, first: int = 0, warm_up: int = WARM_UP
    ):
        super().__init__()
        self.device, self.limit = device, limit
        self.first = first + (warm_up if device.type == "cuda" else 1)
        self.created = now(device)
        self.set_up = 0.0  # seconds before the loop
        self.total = 0  # steps of the whole loop
        self.measured = 0  # steps
        self.seconds = 0.0  # of the measured steps

    @property
    def per_step(self) -> float:
        return self.seconds / self.measured

    def steps(self, total: int, part: Resumable, label: str) -> Iterator[int]:
        self.total, self.set_up = total, now(self.device) - self.created
        first = min(self.first, total - 1)
        start = began = 0.0
        for step in range(total):
            if step == first:
                start, began = now(self.device), time.perf_counter()
            yield step
            self.measured = step + 1 - first
            if self.measured > 0 and time.perf_counter() - began > self.limit:
                break
        self.seconds = now(self.device) - start
        raise Enough

    def show(self, text: str) -> None:
        """Do nothing: there is no progress bar."""


def device_name(device: torch.device) -> str:
    """The GPU with its memory, driver and CUDA version, or the CPU."""
    if device.type != "cuda":
        return "no GPU is used; times are CPU seconds of this process"
    properties = torch.cuda.get_device_properties(device)
    driver = Path("/proc/driver/nvidia/version")
    text = driver.read_text().splitlines()[0] if driver.is_file() else "driver unknown"
    memory = properties.total_memory / 2**30
    return f"{properties.name}, {memory:.0f} GiB, CUDA {torch.version.cuda}; {text}"


def peak_tflops(device: torch.device, dtype: torch.dtype) -> float:
    """Measured TFLOP/s of a large square matrix product."""
    size = 8192 if device.type == "cuda" else 512
    a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    return 2 * size**3 / seconds_per_call(lambda: a @ b, device, 0.5) / 1e12


def machine(device: torch.device) -> dict[str, Any]:
    """Description and peak rates of the machine."""
    source = torch.randint(256, (BYTES,), dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    copy = seconds_per_call(lambda: target.copy_(source), device, 0.3)
    return {
        "machine": describe(),
        "device": device_name(device),
        "clock": "wall seconds" if device.type == "cuda" else "CPU seconds",
        "fp32_tflops": peak_tflops(device, torch.float32),
        "bf16_tflops": peak_tflops(device, torch.bfloat16),
        "copy_gb_per_s": 2 * BYTES / copy / 1e9,
    }
