"""Checkpoints of loops in several threads of one job, which end together."""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType
from typing import Any

from trajprompt.artifacts.checkpoint import SIGNALS, Checkpoint


class CheckpointGroup:
    """Checkpoints that a signal stops together and that are removed together."""

    def __init__(self) -> None:
        self._members: list[Checkpoint] = []
        self._signal: int | None = None

    def add(self, checkpoint: Checkpoint) -> None:
        """Add the checkpoint of a loop that begins now, perhaps after the signal."""
        self._members.append(checkpoint)
        if self._signal is not None:
            checkpoint.stop(self._signal)

    def remove(self) -> None:
        """Remove all checkpoints, once every output of the job is written."""
        for checkpoint in self._members:
            checkpoint.remove()

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Stop the loops on a signal to this process; only the main thread gets signals.

        While there are no checkpoints yet, and at a second Ctrl-C, a signal has its former
        effect.
        """

        def on_signal(number: int, frame: FrameType | None) -> None:
            if not self._members or number == signal.SIGINT:
                signal.signal(number, handlers[number])
            if not self._members:
                signal.raise_signal(number)
                return
            self._signal = number  # before the loop: other threads may add checkpoints
            for checkpoint in self._members:
                checkpoint.stop(number)

        handlers: dict[int, Any] = {n: signal.signal(n, on_signal) for n in SIGNALS}
        try:
            yield
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
