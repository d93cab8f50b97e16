"""Description and peak rates of this machine, printed above every benchmark."""

import importlib.metadata
import importlib.util
import platform
import time
from collections.abc import Callable


def describe() -> str:
    """Processor and versions in one line."""
    with open("/proc/cpuinfo") as handle:
        lines = handle.read().splitlines()
    model = next(
        (x.split(":")[1].strip() for x in lines if x.startswith("model name")), "?"
    )
    cores = sum(line.startswith("processor") for line in lines)
    names = ["torch", "transformers", "mujoco", "gymnasium", "numpy"]
    if importlib.util.find_spec("openvino"):
        names.append("openvino")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    return f"{cores} x {model}, Python {platform.python_version()}, {versions}"


def seconds(work: Callable[[], object], least: float = 0.3, repeats: int = 3) -> float:
    """CPU seconds of one call: minimum over repeats of at least ``least`` seconds each."""
    work()
    best = float("inf")
    for _ in range(repeats):
        calls, start = 0, time.process_time()
        while time.process_time() - start < least:
            work()
            calls += 1
        best = min(best, (time.process_time() - start) / calls)
    return best


def gemm_gflops(dtype: str, size: int = 1024) -> float:
    """Peak GFLOP/s of a square matrix product with torch's current number of threads."""
    import torch

    a, b = (torch.randn(size, size).to(getattr(torch, dtype)) for _ in range(2))
    return 2 * size**3 / seconds(lambda: a @ b) / 1e9


def physics_steps_per_second(suite_name: str = "cheetah-vel") -> float:
    """Control steps per second of ``mj_step`` alone, on one core."""
    import mujoco
    import numpy as np

    from trajprompt.tasks.registry import get_suite, make_simulator

    simulator = make_simulator(get_suite(suite_name), np.array([0]))
    simulator.reset(np.array([0]))
    model, data = simulator.model, simulator.data[0]
    data.ctrl[:] = 0.3
    return 100 / seconds(lambda: [mujoco.mj_step(model, data, 5) for _ in range(100)])


def print_machine(physics: bool = False) -> None:
    """Print the description and the peak rates of one core."""
    print(f"machine: {describe()}")
    peaks = [f"{dtype} {gemm_gflops(dtype):.0f}" for dtype in ("float32", "bfloat16")]
    print(f"peak matrix product, 1 core, GFLOP/s: {', '.join(peaks)}")
    if physics:
        rate = physics_steps_per_second()
        print(f"peak physics, 1 core: {rate:,.0f} cheetah control steps/s of mj_step alone")
