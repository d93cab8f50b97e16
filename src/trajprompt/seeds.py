"""Random streams, derived from names and not from the order in which jobs run."""

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def stream(run_seed: int, *names: object) -> np.random.SeedSequence:
    """Seed sequence of a purpose, e.g. ``stream(7, "tune", "cheetah-vel", "noise")``.

    Equal arguments give equal streams on every machine; different names give unrelated
    streams.
    """
    text = "\x1f".join(str(name) for name in names)
    digest = hashlib.sha256(text.encode()).digest()
    words = [int.from_bytes(digest[i : i + 4], "little") for i in range(0, 16, 4)]
    return np.random.SeedSequence([run_seed, *words])


def children(sequence: np.random.SeedSequence, count: int) -> list[np.random.SeedSequence]:
    """``count`` independent streams, the same at every call."""
    return [child(sequence, number) for number in range(count)]


def child(sequence: np.random.SeedSequence, number: int) -> np.random.SeedSequence:
    """The stream at index ``number`` of `children`, for any count."""
    return np.random.SeedSequence(sequence.entropy, spawn_key=(*sequence.spawn_key, number))


def integers(sequence: np.random.SeedSequence, count: int) -> np.ndarray:
    """``count`` non-negative 31-bit seeds (count,), int64, for simulators and libraries."""
    return (sequence.generate_state(count, np.uint32) >> 1).astype(np.int64)


def torch_generator(
    sequence: np.random.SeedSequence, device: str = "cpu"
) -> "torch.Generator":
    """Torch generator on ``device``, seeded from ``sequence``.

    PyTorch's CPU generator uses the low 32 bits of a seed: two of n streams are equal with
    a probability of about n² / 2^33, and then only two unrelated draws are.
    """
    import torch

    generator = torch.Generator(device=device)
    generator.manual_seed(int(sequence.generate_state(1, np.uint64)[0] >> 1))
    return generator
