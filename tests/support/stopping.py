"""A checkpoint whose loop is stopped by a signal, for tests of resuming."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from trajprompt.artifacts.checkpoint import Checkpoint, Resumable
from trajprompt.errors import Interrupted


class Stopped(Checkpoint):
    """Checkpoint whose process gets SIGTERM during step ``at``."""

    def __init__(self, target: Path, at: int):
        super().__init__(target, "test")
        self.at = at

    def steps(self, total: int, part: Resumable, label: str) -> Iterator[int]:
        for step in super().steps(total, part, label):
            if step == self.at:
                signal.raise_signal(signal.SIGTERM)
            yield step


def interrupt(checkpoint: Checkpoint, work: Callable[[Checkpoint], object]) -> None:
    """Run ``work`` until it is stopped; its checkpoint remains for the next call."""
    with checkpoint.listening(), pytest.raises(Interrupted, match="SIGTERM"):
        work(checkpoint)
    assert checkpoint.path is not None and checkpoint.path.is_file()
