"""Checkpoints of long loops: written now and then and on a signal, gone when all is done.

A loop that counts its steps with `Checkpoint.steps` goes on where a killed process left
it, and ends in the same bits as if it had never stopped::

    with checkpoint_for(out, attributes, device) as checkpoint:
        for step in checkpoint.steps(total, part, "label"):
            ...
        write_artifact(out, ...)

``part`` holds all that changes from step to step. The file lies beside the artifact.
"""

import contextlib
import hashlib
import json
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from trajprompt.artifacts.atomic import atomic_path, remove_stale
from trajprompt.artifacts.hdf5_attributes import (
    get_attribute,
    get_integer,
    get_text,
    write_attributes,
)
from trajprompt.artifacts.hdf5_checks import open_hdf5
from trajprompt.artifacts.provenance import SCHEMA_VERSION, source_hash
from trajprompt.artifacts.saved_state import Saved, write_state
from trajprompt.errors import Interrupted, TrajpromptError
from trajprompt.progress import progress

if TYPE_CHECKING:
    import h5py
    import torch

KIND = "checkpoint"
REMEDY = "remove it to begin again"
# Often enough that a power cut costs little.
MINUTES = 10.0
VARIABLE = "TRAJPROMPT_CHECKPOINT_MINUTES"  # overrides it; 0 saves after every step
# Writing may take at most this share of the time since the last write (replay buffers of
# the papers' size are gigabytes), so that checkpoints never cost more.
LARGEST_SHARE = 0.02
# Slurm sends the first before a job's time limit and on scancel; the second where a site's
# jobs ask for it (sbatch --signal). The third is Ctrl-C.
SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)


class Resumable(Protocol):
    """Something whose future depends on ``state()`` alone.

    A state is a dict of tensors, arrays, JSON values and further such dicts.
    """

    def state(self) -> dict[str, Any]: ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Tensors and arrays arrive as arrays, each read when it is asked for."""


class Checkpoint:
    """The checkpoint of one artifact; without a ``target`` it only counts steps."""

    def __init__(self, target: Path | None = None, identity: str = ""):
        self.path = target.with_suffix(".checkpoint.h5") if target else None
        self.identity = identity
        self.resumed_from: int | None = None  # the first step that is not repeated
        self._interval = self._pause = _interval()
        self._saved_at = time.monotonic()
        self._signal: int | None = None
        self._may_listen = False
        self._handlers: dict[int, Any] = {}  # from before
        self._bar: Any = None

    def steps(self, total: int, part: Resumable, label: str) -> Iterator[int]:
        """``range(total)`` with a progress bar, less the steps that an earlier process did.

        Raises Interrupted at the end of a step during which a signal came.
        """
        self._listen()
        first = self._resume(part, total)
        self._bar = progress(range(first, total), label, done=first)
        for step in self._bar:
            yield step
            number = self._signal
            if number is not None:
                self._save(step + 1, total, part)
                raise Interrupted(number, label, step + 1, total, self.path)
            if self._due():
                self._try_to_save(step + 1, total, part)

    def show(self, text: str) -> None:
        """Text at the end of the progress bar."""
        self._bar.set_postfix_str(text)

    def remove(self) -> None:
        if self.path is not None:
            self.path.unlink(missing_ok=True)
            remove_stale(self.path)

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """From the first loop in this block on, signals are obeyed at the end of a step."""
        self._may_listen = self.path is not None and _in_main_thread()
        try:
            yield
        finally:
            for number, handler in self._handlers.items():
                signal.signal(number, handler)
            self._handlers, self._may_listen = {}, False

    def _listen(self) -> None:
        if self._may_listen and not self._handlers:
            self._handlers = {n: signal.signal(n, self._note) for n in SIGNALS}

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._signal = number
        if number == signal.SIGINT:  # whoever types Ctrl-C again means now
            signal.signal(number, self._handlers.get(number, signal.default_int_handler))

    def _due(self) -> bool:
        if self.path is None:
            return False
        return time.monotonic() - self._saved_at >= self._pause

    def _try_to_save(self, done: int, total: int, part: Resumable) -> None:
        """A disk that is full now is no reason to lose what goes well without it."""
        try:
            self._save(done, total, part)
        except TrajpromptError as error:
            print(f"no checkpoint: {error}", file=sys.stderr)
            self._saved_at = time.monotonic()

    def _save(self, done: int, total: int, part: Resumable) -> None:
        assert self.path is not None
        began = time.monotonic()
        values: dict[str, Any] = {}
        with atomic_path(self.path) as temporary, _new_file(temporary) as file:
            write_state(file.create_group("arrays"), part.state(), values)
            # A dataset, because attributes end at 64 KiB.
            file["values"] = np.frombuffer(json.dumps(values).encode(), np.uint8)
            own = {"kind": KIND, "schema_version": str(SCHEMA_VERSION)}
            write_attributes(file, {**own, "identity": self.identity})
            write_attributes(file, {"done": done, "total": total})
        self._saved_at = time.monotonic()
        if self._interval > 0:
            self._pause = max(self._interval, (self._saved_at - began) / LARGEST_SHARE)

    def _resume(self, part: Resumable, total: int) -> int:
        """Restore ``part`` from the file, if there is one that fits; the steps done."""
        if self.path is None or not self.path.is_file():
            return 0
        with open_hdf5(self.path, KIND, REMEDY) as file:  # damage is a TrajpromptError
            found = get_text(file, "identity"), get_attribute(file, "total")
            if found != (self.identity, total):
                self._say("is of other settings, inputs or code: from the beginning")
                return 0
            done = get_integer(file, "done", str(self.path), REMEDY)
            if not 0 < done <= total:
                raise ValueError(f"{done} steps done of {total}")
            values = json.loads(file["values"][()].tobytes())
            part.restore(Saved(file["arrays"], values))
        self._say(f"resumes after step {done} of {total}")
        self.resumed_from = done
        return done

    def _say(self, what: str) -> None:
        print(f"checkpoint {self.path} {what}", file=sys.stderr)


def _in_main_thread() -> bool:
    """Python lets no other thread set the handlers of signals."""
    return threading.current_thread() is threading.main_thread()


def _new_file(path: Path) -> "h5py.File":
    import h5py

    return h5py.File(path, "w", libver="latest")  # with checksums on what is not numbers


def _interval() -> float:
    """Seconds between checkpoints; "inf" leaves only those on signals."""
    text = os.environ.get(VARIABLE, str(MINUTES))
    try:
        minutes = float(text)
    except ValueError:
        minutes = math.nan
    if not minutes >= 0:
        raise TrajpromptError(VARIABLE, repr(text), "a number of minutes, at least 0")
    return 60 * minutes


@contextlib.contextmanager
def checkpoint_for(
    target: Path, attributes: Mapping[str, object], device: "torch.device"
) -> Iterator[Checkpoint]:
    """The checkpoint of the artifact ``target``, removed when the block succeeds.

    A checkpoint serves only the same settings, inputs and libraries, which stand in the
    artifact's provenance ``attributes``, the same code, committed or not, and the same
    kind of ``device``.
    """
    own = {"commit": source_hash(), "device": device.type}
    described = json.dumps({**attributes, **own}, sort_keys=True)
    checkpoint = Checkpoint(target, hashlib.sha256(described.encode()).hexdigest())
    with checkpoint.listening():
        yield checkpoint
    checkpoint.remove()
