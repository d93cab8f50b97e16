"""Write an adaptation file; its layout is described in ``read.py``."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from trajprompt.adaptations.adaptation import HISTORY_COLUMNS, Adaptation, HistoryRow
from trajprompt.adaptations.layout import KIND, NUMBER, PROMPT_FIELDS
from trajprompt.adaptations.read import read_checked
from trajprompt.artifacts.atomic import atomic_path
from trajprompt.artifacts.hdf5_attributes import write_attributes
from trajprompt.artifacts.hdf5_checks import create_array
from trajprompt.artifacts.provenance import SCHEMA_VERSION
from trajprompt.errors import TrajpromptError

if TYPE_CHECKING:
    import h5py
    from torch import Tensor

    from trajprompt.trajectories.segments import Segments

REMEDY = "fix the method's return value"


class Rows(Protocol):
    """The part of a tuning problem that its file keeps."""

    @property
    def rows(self) -> np.ndarray: ...  # (R,) task index
    @property
    def prompts(self) -> np.ndarray: ...  # (R,) number of the prompt within its task
    @property
    def initial_prompts(self) -> "Segments | None": ...  # (R, P, ..)


def write_adaptation(
    path: str | Path,
    problem: Rows,
    adaptation: Adaptation,
    attributes: Mapping[str, Any],
) -> None:
    """Write the file whole; equal content gives equal bytes.

    What `read_adaptation` would refuse is an error here that names the method.
    """
    import h5py

    made_by = f"tuning method {attributes.get('method')}"
    own = {"schema_version": str(SCHEMA_VERSION), "kind": KIND}
    with atomic_path(path) as temporary, h5py.File(temporary, "w", libver="latest") as file:
        write_attributes(file, {**attributes, **own})
        write_attributes(file, {"tuned_parameters": adaptation.parameters})
        _write_rows(file, problem, adaptation)
        _write_iterates(file, problem, adaptation)
        for name, values in _columns(adaptation.history, made_by).items():
            _write(file, f"history/{name}", values, *HISTORY_COLUMNS[name])
        for name, extra in sorted(adaptation.extras.items()):
            _write(file, f"extras/{name}", *extra)
        try:
            read_checked(file, made_by)
        except TrajpromptError as error:
            texts = error.where, error.found, error.expected
            raise TrajpromptError(*texts, REMEDY) from error


def _write_rows(file: "h5py.File", problem: Rows, adaptation: Adaptation) -> None:
    for name, values, text in (
        ("task", problem.rows, "published index of each row's task"),
        ("prompt", problem.prompts, "number of the prompt within its task"),
        ("best_iteration", adaptation.best_iteration, "iteration of `best`"),
    ):
        _write(file, name, np.asarray(values, np.int64), "index", text)


def _write_iterates(file: "h5py.File", problem: Rows, adaptation: Adaptation) -> None:
    """Prompts and weights: initial, last, best, and those on the way."""
    stages = {"initial": problem.initial_prompts, "last": adaptation.last}
    stages["best"] = adaptation.best
    for name, prompts in stages.items():
        _write_prompts(file, name, prompts)
    for iteration, prompts in sorted(adaptation.curve.items()):
        _write_prompts(file, f"curve/{iteration:06d}", prompts)
    _write_weights(file, "weights", adaptation.weights or {})
    for iteration, of_rows in sorted(adaptation.snapshots.items()):
        _write_weights(file, f"snapshots/{iteration:06d}", of_rows)


def _columns(history: list[HistoryRow], made_by: str) -> dict[str, np.ndarray]:
    """The entries of a history, column by column."""
    odd = {type(row).__name__ for row in history if not isinstance(row, HistoryRow)}
    if odd or not history:
        found = f"entries of type {', '.join(sorted(odd))}" if odd else "no entries"
        raise TrajpromptError(f"{made_by}:history", found, "HistoryRows", REMEDY)
    columns = {
        name: np.array([getattr(row, name) for row in history]) for name in HISTORY_COLUMNS
    }
    for name, values in columns.items():
        if values.dtype.kind not in NUMBER:
            where, found = f"{made_by}:history/{name}", f"type {values.dtype}"
            raise TrajpromptError(where, found, "numbers", REMEDY)
    return columns


def _write_weights(
    file: "h5py.File", group: str, of_rows: "Mapping[int, Mapping[str, Tensor]]"
) -> None:
    for row, weights in sorted(of_rows.items()):
        for name, tensor in sorted(weights.items()):
            values = tensor.detach().cpu().numpy()
            _write(file, f"{group}/row{row:04d}/{name}", values, "1", "tuned parameter")


def _write_prompts(file: "h5py.File", name: str, prompts: "Segments | None") -> None:
    if prompts is None:
        return
    for part, tensor in prompts._asdict().items():
        values = tensor.detach().cpu().numpy()
        _write(file, f"{name}/{part}", values, *PROMPT_FIELDS[part])


def _write(file: "h5py.File", name: str, values: np.ndarray, unit: str, text: str) -> None:
    dataset = create_array(file, name, values)
    write_attributes(dataset, {"description": text, "unit": unit})
