"""Devices, floating-point types and memory allocation."""

import ctypes
import functools
from pathlib import Path

import torch

from trajprompt.errors import TrajpromptError

REMEDY = "correct this key in the config"
DTYPES = {"bf16": torch.bfloat16, "fp32": torch.float32}
# <malloc.h> of glibc.
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
CPUINFO = Path("/proc/cpuinfo")
LARGEST = 1 << 30  # bytes; larger blocks are still returned to the system at once


def resolve_precision(name: str, device: torch.device | str = "cpu") -> torch.dtype:
    """Type of a precision; auto: bfloat16 if it is faster than float32 on the device."""
    if name == "auto":
        name = "bf16" if _fast_bfloat16(torch.device(device).type) else "fp32"
    if name not in DTYPES:
        expected = f"one of auto, {', '.join(DTYPES)}"
        raise TrajpromptError("compute.precision", f"found {name!r}", expected, REMEDY)
    return DTYPES[name]


def precision_name(name: str, device: torch.device) -> str:
    """``name``, or the precision that auto is on ``device``: bf16 or fp32."""
    dtype = resolve_precision(name, device)
    return next(known for known, one in DTYPES.items() if one is dtype)


def resolve_device(name: str) -> torch.device:
    """Device of ``name``; auto: the CUDA device if there is one, else the CPU."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        found, expected = f"found {name!r}", "auto, cpu or cuda"
        raise TrajpromptError("compute.device", found, expected, REMEDY) from error
    if device.type == "cuda" and not torch.cuda.is_available():
        found = f"found {name!r}, but torch finds no GPU"
        remedy = "set it to auto or cpu in the config, or install torch with CUDA"
        raise TrajpromptError("compute.device", found, "a CUDA GPU", remedy)
    return device


@functools.cache
def _fast_bfloat16(device_type: str) -> bool:
    """True if the device multiplies bfloat16 faster than float32.

    CPUs with AMX do, and AMD's with AVX512_BF16: twice as fast on Zen 4 and 5. Intel's with
    AVX512_BF16 but without AMX take twice as long in bfloat16 (Emerald Rapids in a virtual
    machine that hides AMX). Others emulate it.
    """
    if device_type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device_type != "cpu":
        return False
    try:
        with CPUINFO.open() as handle:
            parts = [line.partition(":") for line in handle]
    except OSError:  # not Linux
        return False
    found = {name.strip(): value.split() for name, _, value in parts}
    flags = found.get("flags", [])
    of_amd = found.get("vendor_id") == ["AuthenticAMD"]
    return "amx_bf16" in flags or ("avx512_bf16" in flags and of_amd)


@functools.cache
def keep_freed_memory() -> bool:
    """Make glibc reuse freed blocks of up to 1 GiB; return False without glibc.

    Training allocates megabytes thousands of times a second. By default glibc maps and
    unmaps them, and the kernel zeroes each page again: 7000 page faults per training
    step, 9 % of its time (2 cores of AMD Zen 4, batch 64). Results do not change.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return all([mallopt(MMAP_THRESHOLD, LARGEST), mallopt(TRIM_THRESHOLD, LARGEST)])
