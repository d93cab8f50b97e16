"""Pickles that call functions, in every way that a pickle can run code."""

import os
import pickle
import subprocess
from collections.abc import Callable
from typing import Any

import numpy as np

Generator = np.random.Generator
COMMAND = "echo trajprompt-was-fooled"


class Calls:
    """An object whose unpickling calls ``function``."""

    def __init__(self, function: Callable[..., Any], *arguments: object):
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[object, ...]]:
        return self.function, self.arguments


GADGETS: tuple[Callable[[], object], ...] = (
    lambda: Calls(os.system, COMMAND),
    lambda: Calls(subprocess.Popen, COMMAND.split()),
    lambda: Calls(eval, "__import__('os').getpid()"),
    lambda: Calls(exec, "import os; os.getpid()"),
    lambda: Calls(__import__, "antigravity"),
    lambda: Calls(getattr, Calls(__import__, "os"), "system"),
    lambda: Calls(map, Calls(eval, "print"), [1]),
    lambda: Calls(open, "/tmp/trajprompt-was-fooled", "w"),
    lambda: Calls(np.fromfile, "/etc/passwd", np.uint8),
    lambda: Calls(np.load, "/etc/passwd", None, True),
    lambda: Calls(np.empty, (2**31,)),
    lambda: Calls(bytearray, 2**40),
    lambda: np.array([Calls(os.system, COMMAND)], dtype=object),
    lambda: np.array([{"a": 1}], dtype=object),
    lambda: np.zeros(3, dtype="O"),
    lambda: np.zeros(3, dtype="V8"),
    lambda: np.zeros(2, dtype=[("a", "f4")]),
    lambda: np.matrix([[1.0]]),
    lambda: np.ma.masked_array([1.0]),
    lambda: range(10**12),
    lambda: {1, 2},
    lambda: "text",
    lambda: np.random.default_rng(0),
)
# Written by hand: opcodes that current picklers do not emit.
RAW = (
    b"cos\nsystem\n(S'" + COMMAND.encode() + b"'\ntR.",
    b"(S'" + COMMAND.encode() + b"'\nios\nsystem\n.",
    b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R.",
    b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nq\x00.",
    b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7f.",
    b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\x00\x00abc.",
    b"\x80\x02" + b"(" * 100_000 + b".",
    b"\x80\x02" + b"]" * 50_000 + b"a" * 49_999 + b".",
    b"P1\n.",
    b"\x80\x02]q\x00h\x00a.",
)


def change_episodes(data: bytes, generator: Generator) -> bytes:
    """Replace a value of an episode, or all episodes, with a gadget, or append one."""
    episodes = pickle.loads(data)  # our own, from fault_files
    gadget = GADGETS[int(generator.integers(len(GADGETS)))]()
    one = episodes[int(generator.integers(len(episodes)))]
    names = [*one, "infos"]
    where = int(generator.integers(4))
    if where == 0:
        episodes = gadget
    elif where == 1:
        episodes.append(gadget)
    else:
        one[names[int(generator.integers(len(names)))]] = gadget
    return pickle.dumps(episodes, protocol=int(generator.integers(6)))


def unusual_arrays(data: bytes, generator: Generator) -> bytes:
    """Change the type, shape or values of an array, or remove it."""
    episodes = pickle.loads(data)
    one = episodes[int(generator.integers(len(episodes)))]
    name = list(one)[int(generator.integers(len(one)))]
    values = one[name]
    unusual = (
        values.tolist(),
        values[:-1],
        values[..., None],
        values.astype("S8"),
        values * np.nan,
    )
    more = (
        values.astype(">f8"),
        values[::2],
        np.float32(1),
        np.zeros((0, 0)),
        values.T,
        1,
        [],
    )
    broad = np.broadcast_to(np.float32(0), (10, 10**6))
    choices = (*unusual, *more, broad, None)
    found = choices[int(generator.integers(len(choices)))]
    if found is None:
        del one[name]
    else:
        one[name] = found
    return pickle.dumps(episodes, protocol=int(generator.integers(2, 6)))


def raw(data: bytes, generator: Generator) -> bytes:
    return RAW[int(generator.integers(len(RAW)))]


def insert_opcodes(data: bytes, generator: Generator) -> bytes:
    at = int(generator.integers(len(data)))
    return data[:at] + RAW[int(generator.integers(len(RAW)))][:-1] + data[at:]


DAMAGES = (change_episodes, change_episodes, unusual_arrays, raw, insert_opcodes)
