"""Random streams, derived from names and never from the order in which jobs run."""

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def stream(run_seed: int, *names: object) -> np.random.SeedSequence:
    """The seed sequence of a purpose, e.g. ``stream(7, "tune", "cheetah-vel", "noise")``.

    Equal arguments give equal streams on every machine; any difference in the names
    gives an unrelated stream.
    """
    text = "\x1f".join(str(name) for name in names)
    digest = hashlib.sha256(text.encode()).digest()
    words = [int.from_bytes(digest[i : i + 4], "little") for i in range(0, 16, 4)]
    return np.random.SeedSequence([run_seed, *words])


def children(sequence: np.random.SeedSequence, count: int) -> list[np.random.SeedSequence]:
    """``count`` independent streams, the same ones at every call."""
    return [child(sequence, number) for number in range(count)]


def child(sequence: np.random.SeedSequence, number: int) -> np.random.SeedSequence:
    """One of the `children`, however many there are."""
    return np.random.SeedSequence(sequence.entropy, spawn_key=(*sequence.spawn_key, number))


def integers(sequence: np.random.SeedSequence, count: int) -> np.ndarray:
    """``count`` non-negative 31-bit seeds, shape (count,), for simulators and libraries."""
    return (sequence.generate_state(count, np.uint32) >> 1).astype(np.int64)


def torch_generator(
    sequence: np.random.SeedSequence, device: str = "cpu"
) -> "torch.Generator":
    """A torch generator on ``device`` seeded from ``sequence``."""
    import torch

    generator = torch.Generator(device=device)
    generator.manual_seed(int(sequence.generate_state(1, np.uint64)[0] >> 1))
    return generator
