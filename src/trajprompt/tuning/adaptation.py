"""The adaptation file: what a method made of one cell, in HDF5 (design: Adaptations).

Groups ``initial``, ``last``, ``best`` and ``curve/<iteration>`` hold prompts (R, P, ..);
``history`` holds one dataset per column; ``weights/row<i>`` holds tuned parameters.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trajprompt.artifacts import atomic_path, require_file
from trajprompt.errors import TrajpromptError
from trajprompt.provenance import SCHEMA_VERSION
from trajprompt.tuning.protocol import HISTORY_COLUMNS

if TYPE_CHECKING:
    import h5py
    from torch import Tensor

    from trajprompt.trajectories.segments import Segments
    from trajprompt.tuning.protocol import Adaptation, TuningProblem

KIND = "adaptation"
REMEDY = "run `trajprompt tune` again"
PROMPT_FIELDS = {
    "returns_to_go": ("reward / return scale", "return-to-go of each prompt step"),
    "states": ("standard deviations", "states, normalised by the backbone's statistics"),
    "actions": ("as the simulator's", "actions"),
    "timesteps": ("control step", "position in the source episode"),
    "mask": ("bool", "False where a prompt step is padding"),
}


@dataclass(frozen=True)
class StoredAdaptation:
    """An adaptation as read back; prompts are None for backbones that take none."""

    rows: np.ndarray  # (R,) task index
    prompts: np.ndarray  # (R,) number of the prompt within its task
    initial: "Segments | None"  # (R, P, ..)
    last: "Segments | None"
    best: "Segments | None"
    best_iteration: np.ndarray  # (R,)
    curve: "dict[int, Segments]"  # iteration -> (R, P, ..)
    history: dict[str, np.ndarray]  # column -> (R * iterations,)
    weights: "dict[int, dict[str, Tensor]]"  # row -> state dict; empty if none was tuned
    attributes: dict[str, Any]

    def queries(self, row: int, iteration: int) -> int:
        """Oracle queries that the row had used when it reached an iteration."""
        at = (
            (self.history["task"] == self.rows[row])
            & (self.history["prompt"] == self.prompts[row])
            & (self.history["iteration"] == iteration)
        )
        return int(self.history["queries"][at][-1])

    @property
    def last_iteration(self) -> int:
        return int(self.history["iteration"].max())


def write_adaptation(
    path: str | Path,
    problem: "TuningProblem",
    adaptation: "Adaptation",
    attributes: Mapping[str, Any],
) -> None:
    """Write the file whole; equal content gives equal bytes."""
    import h5py

    with atomic_path(path) as temporary, h5py.File(temporary, "w", libver="latest") as file:
        file.attrs.update(
            {**attributes, "schema_version": str(SCHEMA_VERSION), "kind": KIND}
        )
        for name, values, text in (
            ("task", problem.rows, "published index of each row's task"),
            ("prompt", problem.prompts, "number of the prompt within its task"),
            ("best_iteration", adaptation.best_iteration, "iteration of `best`"),
        ):
            _write(file, name, np.asarray(values, np.int64), "index", text)
        stages = {"initial": problem.initial_prompts, "last": adaptation.last}
        stages["best"] = adaptation.best
        for name, prompts in stages.items():
            _write_prompts(file, name, prompts)
        for iteration, prompts in sorted(adaptation.curve.items()):
            _write_prompts(file, f"curve/{iteration:06d}", prompts)
        for name, (unit, text) in HISTORY_COLUMNS.items():
            values = np.array([entry[name] for entry in adaptation.history])
            _write(file, f"history/{name}", values, unit, text)
        for row, weights in sorted((adaptation.weights or {}).items()):
            for name, tensor in sorted(weights.items()):
                values = tensor.detach().cpu().numpy()
                _write(file, f"weights/row{row:04d}/{name}", values, "1", "tuned parameter")


def read_adaptation(path: str | Path) -> StoredAdaptation:
    """Read and check a file; errors name it, what was found and what was expected."""
    import h5py

    require_file(path, "trajprompt tune")
    try:
        with h5py.File(path, "r") as file:
            _check(file, path)
            stored = _read(file)
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        found = f"damaged or not HDF5 ({error})"
        raise TrajpromptError(path, found, "a whole adaptation file", REMEDY) from error
    rows = {"prompt": len(stored.prompts), "best_iteration": len(stored.best_iteration)}
    for name in ("initial", "last", "best"):
        prompts = getattr(stored, name)
        if prompts is not None:
            rows |= {
                f"{name}/{field}": len(part) for field, part in prompts._asdict().items()
            }
    for name, found_rows in rows.items():
        if found_rows != len(stored.rows):
            expected = f"{len(stored.rows)} rows"
            raise TrajpromptError(f"{path}: {name}", f"{found_rows} rows", expected, REMEDY)
    return stored


def _check(file: "h5py.File", path: str | Path) -> None:
    expected = {"kind": KIND, "schema_version": str(SCHEMA_VERSION)}
    for name, value in expected.items():
        found = file.attrs.get(name)
        if found != value:
            raise TrajpromptError(f"{path}: {name}", repr(found), repr(value), REMEDY)


def _read(file: "h5py.File") -> StoredAdaptation:
    import torch

    curve = file.get("curve", {})
    weights = file.get("weights", {})
    return StoredAdaptation(
        rows=file["task"][:],
        prompts=file["prompt"][:],
        initial=_read_prompts(file, "initial"),
        last=_read_prompts(file, "last"),
        best=_read_prompts(file, "best"),
        best_iteration=file["best_iteration"][:],
        curve={
            int(n): p for n in curve if (p := _read_prompts(file, f"curve/{n}")) is not None
        },
        history={name: file[f"history/{name}"][:] for name in HISTORY_COLUMNS},
        weights={
            int(row.removeprefix("row")): {
                name: torch.from_numpy(values[()]) for name, values in weights[row].items()
            }
            for row in weights
        },
        attributes=dict(file.attrs),
    )


def _write_prompts(file: "h5py.File", name: str, prompts: "Segments | None") -> None:
    if prompts is None:
        return
    for field, tensor in prompts._asdict().items():
        _write(
            file, f"{name}/{field}", tensor.detach().cpu().numpy(), *PROMPT_FIELDS[field]
        )


def _read_prompts(file: "h5py.File", name: str) -> "Segments | None":
    import torch

    from trajprompt.trajectories.segments import Segments

    if name not in file:
        return None
    return Segments(
        *(torch.from_numpy(file[f"{name}/{field}"][()]) for field in PROMPT_FIELDS)
    )


def _write(file: "h5py.File", name: str, values: np.ndarray, unit: str, text: str) -> None:
    dataset = file.create_dataset(name, data=values)
    dataset.attrs["description"] = text
    dataset.attrs["unit"] = unit
