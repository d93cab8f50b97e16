"""Checkpoints of long loops: written periodically and on a signal, removed at the end.

A loop over `Checkpoint.steps` resumes where a killed process stopped. Its result is
bit-identical to that of an uninterrupted run::

    with checkpoint_for(out, attributes, device) as checkpoint:
        for step in checkpoint.steps(total, part, "label"):
            ...
        write_artifact(out, ...)

``part`` holds everything that changes from step to step. The checkpoint is written
beside the artifact.
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
REMEDY = "remove it to start from the beginning"
MINUTES = 10.0  # between checkpoints, so that a power cut costs little
VARIABLE = "TRAJPROMPT_CHECKPOINT_MINUTES"  # overrides MINUTES; 0: every step
# Upper bound on the share of run time spent writing checkpoints: replay buffers of the
# papers' size are gigabytes.
LARGEST_SHARE = 0.02
# SIGTERM: sent by Slurm before a job's time limit and on scancel. SIGUSR1: sent by Slurm
# if requested with sbatch --signal. SIGINT: Ctrl-C.
SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)


class Resumable(Protocol):
    """An object whose future behaviour depends only on ``state()``.

    A state is a dict of tensors, arrays, JSON values and nested dicts of these.
    """

    def state(self) -> dict[str, Any]: ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore a saved state; tensors arrive as arrays, each read on access."""


class Checkpoint:
    """Checkpoint of one artifact; without a ``target``, nothing is saved.

    With ``keep``, the last step is saved too: the file stands for the finished loop.
    """

    def __init__(self, target: Path | None = None, identity: str = "", keep: bool = False):
        self.path = target.with_suffix(".checkpoint.h5") if target else None
        self.identity, self.keep = identity, keep
        self.resumed_from: int | None = None  # steps done before; None: not resumed
        self._interval = self._pause = _interval()
        self._saved_at = time.monotonic()
        self._signal: int | None = None
        self._may_listen = False
        self._handlers: dict[int, Any] = {}  # previous handlers, by signal
        self._bar: Any = None

    def steps(self, total: int, part: Resumable, label: str) -> Iterator[int]:
        """Iterate over ``range(total)`` without the finished steps, with a progress bar.

        Raises Interrupted at the end of a step during which a signal arrived.
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
            if self._due() or (self.keep and step + 1 == total):
                self._try_to_save(step + 1, total, part)

    def stop(self, number: int) -> None:
        """Save and raise Interrupted at the end of the step, as after signal ``number``."""
        self._signal = number

    def show(self, text: str) -> None:
        """Show ``text`` at the end of the progress bar."""
        self._bar.set_postfix_str(text)

    def remove(self) -> None:
        """Remove the checkpoint file and its stale temporary files."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)
            remove_stale(self.path)

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Handle signals at the end of a step, from the first loop in this block on."""
        self._may_listen = self.path is not None and _in_main_thread()
        try:
            yield
        finally:
            for number, handler in self._handlers.items():
                signal.signal(number, handler)
            self._handlers, self._may_listen = {}, False

    def _listen(self) -> None:
        if self._may_listen and not self._handlers:
            self._handlers = {n: signal.signal(n, self._on_signal) for n in SIGNALS}

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._signal = number
        if number == signal.SIGINT:  # a second Ctrl-C aborts immediately
            signal.signal(number, self._handlers.get(number, signal.default_int_handler))

    def _due(self) -> bool:
        if self.path is None:
            return False
        return time.monotonic() - self._saved_at >= self._pause

    def _try_to_save(self, done: int, total: int, part: Resumable) -> None:
        """Save, or report a disk error: training can continue without a checkpoint."""
        try:
            self._save(done, total, part)
        except TrajpromptError as error:
            print(f"checkpoint not written: {error}", file=sys.stderr)
            self._saved_at = time.monotonic()

    def _save(self, done: int, total: int, part: Resumable) -> None:
        assert self.path is not None
        began = time.monotonic()
        values: dict[str, Any] = {}
        with atomic_path(self.path) as temporary, _new_file(temporary) as file:
            write_state(file.create_group("arrays"), part.state(), values)
            # A dataset, because attributes are limited to 64 KiB.
            file["values"] = np.frombuffer(json.dumps(values).encode(), np.uint8)
            header = {"kind": KIND, "schema_version": str(SCHEMA_VERSION)}
            write_attributes(file, {**header, "identity": self.identity})
            write_attributes(file, {"done": done, "total": total})
        self._saved_at = time.monotonic()
        if self._interval > 0:
            self._pause = max(self._interval, (self._saved_at - began) / LARGEST_SHARE)

    def _resume(self, part: Resumable, total: int) -> int:
        """Restore ``part`` from a matching checkpoint; return the number of steps done."""
        if self.path is None or not self.path.is_file():
            return 0
        with open_hdf5(self.path, KIND, REMEDY) as file:  # damage is a TrajpromptError
            found = get_text(file, "identity"), get_attribute(file, "total")
            if found != (self.identity, total):
                self._report("has other settings, inputs or code; not resumed")
                return 0
            done = get_integer(file, "done", str(self.path), REMEDY)
            if not 0 < done <= total:
                raise ValueError(f"{done} steps done of {total}")
            values = json.loads(file["values"][()].tobytes())
            part.restore(Saved(file["arrays"], values))
        self._report(f"resumes after step {done} of {total}")
        self.resumed_from = done
        return done

    def _report(self, text: str) -> None:
        print(f"checkpoint {self.path} {text}", file=sys.stderr)


def _in_main_thread() -> bool:
    """True in the main thread, the only one that may set signal handlers."""
    return threading.current_thread() is threading.main_thread()


def _new_file(path: Path) -> "h5py.File":
    import h5py

    return h5py.File(path, "w", libver="latest")  # latest: checksums on metadata


def _interval() -> float:
    """Seconds between checkpoints; infinite: checkpoints only on signals."""
    text = os.environ.get(VARIABLE, str(MINUTES))
    try:
        minutes = float(text)
    except ValueError:
        minutes = math.nan
    if not minutes >= 0:
        expected = "a number of minutes of at least 0, e.g. 10"
        where, remedy = f"environment variable {VARIABLE}", "change or unset the variable"
        raise TrajpromptError(where, f"found {text!r}", expected, remedy)
    return 60 * minutes


@contextlib.contextmanager
def checkpoint_for(
    target: Path,
    attributes: Mapping[str, object],
    device: "torch.device",
    keep: bool = False,
) -> Iterator[Checkpoint]:
    """Yield the checkpoint of the artifact ``target``; remove it if the block succeeds.

    With ``keep``, the caller removes it: Snakemake deletes the artifacts that a job has
    finished if it fails at a later one. They are then made again from their checkpoints.

    A checkpoint is resumed only with equal settings, inputs and libraries (the artifact's
    provenance ``attributes``), equal code (committed or not) and the same ``device`` type.
    """
    environment = {"commit": source_hash(), "device": device.type}
    described = json.dumps({**attributes, **environment}, sort_keys=True)
    checkpoint = Checkpoint(target, hashlib.sha256(described.encode()).hexdigest(), keep)
    with checkpoint.listening():
        yield checkpoint
    if not keep:
        checkpoint.remove()
