"""Where a computation runs, in which number type, and how it allocates memory."""

import ctypes
import functools

import torch

from trajprompt.errors import TrajpromptError

DTYPES = {"bf16": torch.bfloat16, "fp32": torch.float32}
# <malloc.h> of glibc.
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
LARGEST = 1 << 30  # bytes; blocks above are still given back at once


def resolve_precision(name: str, device: torch.device | str = "cpu") -> torch.dtype:
    """``auto`` is bfloat16 where the device multiplies it in hardware, else float32."""
    if name == "auto":
        name = "bf16" if _fast_bfloat16(torch.device(device).type) else "fp32"
    if name not in DTYPES:
        raise TrajpromptError("precision", repr(name), f"one of auto, {', '.join(DTYPES)}")
    return DTYPES[name]


def resolve_device(name: str) -> torch.device:
    """``auto`` is the CUDA device if there is one, else the CPU."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise TrajpromptError("device", repr(name), "auto, cpu or cuda") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise TrajpromptError("device", repr(name), "a CUDA GPU that torch can use")
    return device


@functools.cache
def _fast_bfloat16(device_type: str) -> bool:
    """Without AVX512_BF16 or AMX, bfloat16 on a CPU is emulated and slower than float32."""
    if device_type == "cuda":
        return torch.cuda.is_bf16_supported()
    if device_type != "cpu":
        return False
    try:
        with open("/proc/cpuinfo") as handle:
            flags = next((line for line in handle if line.startswith("flags")), "")
    except OSError:  # not Linux
        return False
    return bool({"avx512_bf16", "amx_bf16"} & set(flags.split()))


@functools.cache
def keep_freed_memory() -> bool:
    """Ask glibc to reuse freed blocks of up to 1 GiB; False where there is no glibc.

    Training allocates megabytes thousands of times a second. By default glibc maps and
    unmaps them, and the kernel zeroes each page again: 7000 page faults per training
    step, 9 % of its time (2 cores of AMD Zen 4, batch 64). No effect on results.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return all([mallopt(MMAP_THRESHOLD, LARGEST), mallopt(TRIM_THRESHOLD, LARGEST)])
