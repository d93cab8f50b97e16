"""Read an adaptation file: the result of a method on one cell, in HDF5.

Groups ``initial``, ``last``, ``best`` and ``curve/<iteration>`` hold prompts (R, P, ..).
``history`` holds one dataset per column. ``weights/row<i>`` holds tuned parameters, and
``snapshots/<iteration>/row<i>`` their values at earlier iterations. ``extras`` holds the
method's other arrays. The attribute ``tuned_parameters`` is the number of tuned parameters
per row; ``prompt_segments`` is the number of segments per prompt.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trajprompt.adaptations.adaptation import HISTORY_COLUMNS, Extra
from trajprompt.adaptations.layout import (
    EXTRA_TEXTS,
    PROMPT_FIELDS,
    REMEDY,
    STAGES,
    check_iterations,
    check_layout,
    open_adaptation,
)
from trajprompt.artifacts.hdf5_attributes import get_attributes, get_text
from trajprompt.errors import TrajpromptError

if TYPE_CHECKING:
    import h5py
    from torch import Tensor

    from trajprompt.trajectories.segments import Segments


@dataclass(frozen=True)
class StoredAdaptation:
    """Adaptation read from a file; prompts are None for backbones without prompts."""

    rows: np.ndarray  # (R,) task index
    prompts: np.ndarray  # (R,) number of the prompt within its task
    initial: "Segments | None"  # (R, P, ..)
    last: "Segments | None"
    best: "Segments | None"
    best_iteration: np.ndarray  # (R,)
    curve: "dict[int, Segments]"  # iteration -> (R, P, ..)
    history: dict[str, np.ndarray]  # column -> (R * iterations,)
    weights: "dict[int, dict[str, Tensor]]"  # row -> state dict; empty if not tuned
    attributes: dict[str, Any]
    extras: dict[str, Extra] = field(default_factory=dict)
    # iteration -> row -> state dict; empty if no curve of weights is stored
    snapshots: "dict[int, dict[int, dict[str, Tensor]]]" = field(default_factory=dict)

    @property
    def prompt_segments(self) -> int:
        """Segments per prompt (J); 1 if the attribute is missing."""
        return int(self.attributes.get("prompt_segments", 1))

    def queries(self, row: int, iteration: int) -> int:
        """Total oracle queries of a row at an iteration."""
        found = (
            (self.history["task"] == self.rows[row])
            & (self.history["prompt"] == self.prompts[row])
            & (self.history["iteration"] == iteration)
        )
        return int(self.history["queries"][found][-1])

    @property
    def last_iteration(self) -> int:
        return int(self.history["iteration"].max())


def read_adaptation(path: str | Path) -> StoredAdaptation:
    """Read and check a file; raises TrajpromptError if it is missing or invalid."""
    with open_adaptation(path) as file:
        return read_checked(file, path)


def read_checked(file: "h5py.File", path: object) -> StoredAdaptation:
    """Read and check an open file; errors name it by ``path``."""
    check_layout(file, path)
    stored = _read(file)
    for name in STAGES:
        _require_finite(getattr(stored, name) or (), f"{path}:{name}")
    for iteration, prompts in stored.curve.items():
        _require_finite(prompts, f"{path}:curve/{iteration:06d}")
    groups = {f"snapshots/{n:06d}": found for n, found in stored.snapshots.items()}
    for group, weights in {"weights": stored.weights, **groups}.items():
        _require_weights(weights, f"{path}:{group}", len(stored.rows))
    common = (stored.last_iteration, *stored.curve, *stored.snapshots)
    keys = zip(stored.rows.tolist(), stored.prompts.tolist(), strict=True)
    required = [
        (task, prompt, (best, *common))
        for (task, prompt), best in zip(keys, stored.best_iteration.tolist(), strict=True)
    ]
    check_iterations(required, stored.history, path)
    return stored


def _require_weights(
    weights_by_row: "Mapping[int, Mapping[str, Tensor]]", where: str, rows: int
) -> None:
    """Raise unless all rows have finite weights, or none has any."""
    for row, weights in weights_by_row.items():
        _require_finite(weights.values(), f"{where}/row{row:04d}")
    if weights_by_row and len(weights_by_row) != rows:
        found = f"found weights of {len(weights_by_row)} rows"
        raise TrajpromptError(where, found, f"weights of all {rows} rows", REMEDY)


def _require_finite(tensors: "Iterable[Tensor]", where: str) -> None:
    for tensor in tensors:
        if not tensor.isfinite().all():
            raise TrajpromptError(where, "found NaN or infinity", "finite values", REMEDY)


def _read(file: "h5py.File") -> StoredAdaptation:
    curve = file.get("curve", {})
    snapshots = file.get("snapshots", {})
    stages = {name: _read_prompts(file, name) for name in STAGES}
    return StoredAdaptation(
        rows=file["task"][:],
        prompts=file["prompt"][:],
        best_iteration=file["best_iteration"][:],
        **stages,
        curve={
            int(n): p for n in curve if (p := _read_prompts(file, f"curve/{n}")) is not None
        },
        history={name: file[f"history/{name}"][:] for name in HISTORY_COLUMNS},
        weights=_read_weights(file.get("weights", {})),
        snapshots={int(n): _read_weights(group) for n, group in snapshots.items()},
        extras={
            name: Extra(values[()], *(str(get_text(values, key)) for key in EXTRA_TEXTS))
            for name, values in file.get("extras", {}).items()
        },
        attributes=get_attributes(file),
    )


def _read_weights(group: "Mapping[str, h5py.Group]") -> "dict[int, dict[str, Tensor]]":
    import torch

    return {
        int(row.removeprefix("row")): {
            name: torch.from_numpy(np.asarray(values[()])) for name, values in found.items()
        }
        for row, found in group.items()
    }


def _read_prompts(file: "h5py.File", name: str) -> "Segments | None":
    import torch

    from trajprompt.trajectories.segments import Segments

    if name not in file:
        return None
    return Segments(
        *(torch.from_numpy(file[f"{name}/{field}"][()]) for field in PROMPT_FIELDS)
    )
