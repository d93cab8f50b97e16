"""Table of float32 rows: in memory, or in a temporary file if it is large."""

import mmap
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
import torch
from torch import Tensor

from trajprompt.artifacts.atomic import disk_errors

# Larger tables are in a file if a folder is given. A batch is drawn from it as fast as from
# memory (benchmarks/growth.py), so the limit only keeps small jobs off the disk.
LARGEST_IN_MEMORY = 2**28  # bytes


class RowTable:
    """Rows (N, W) on ``device``, or in a file in ``folder`` without a name.

    ``parts`` (n, W) are the rows in order, N in total. Without a folder, and on a GPU, the
    table is in memory. The file disappears with the process, however that ends. Raises
    TrajpromptError if the disk is full.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        parts: Iterable[Tensor],
        device: torch.device,
        folder: Path | None = None,
    ):
        self._mapping: mmap.mmap | None = None
        on_disk = 4 * shape[0] * shape[1] > LARGEST_IN_MEMORY and device.type == "cpu"
        if folder is not None and on_disk:
            self._mapping = _file(parts, folder)
            values = np.frombuffer(self._mapping, np.float32).reshape(shape)
            self.values = torch.from_numpy(values)
            return
        self.values = torch.empty(shape, device=device)
        first = 0
        for part in parts:
            self.values[first : first + len(part)] = part
            first += len(part)

    def __len__(self) -> int:
        return len(self.values)

    def pick(self, rows: Tensor) -> Tensor:
        """Copies (.., W) of the rows with the indices ``rows`` (..)."""
        picked = self.values.index_select(0, rows.reshape(-1)).reshape(*rows.shape, -1)
        self.release()
        return picked

    def release(self) -> None:
        """Drop pages of the file from this process; the system may keep them cached."""
        if self._mapping is not None:
            self._mapping.madvise(mmap.MADV_DONTNEED)


def _file(parts: Iterable[Tensor], folder: Path) -> mmap.mmap:
    """Private mapping of a file without a name that contains ``parts``."""
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder) as file:
            for part in parts:
                file.write(part.numpy().data)
            file.flush()
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
