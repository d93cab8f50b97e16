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
    """Part of a tuning problem that is written to its file."""

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
    """Write the file atomically; equal content gives equal bytes.

    Raises TrajpromptError naming the method if `read_adaptation` would reject the file.
    """
    import h5py

    made_by = f"tuning method {attributes.get('method')}"
    header = {"schema_version": str(SCHEMA_VERSION), "kind": KIND}
    with atomic_path(path) as temporary, h5py.File(temporary, "w", libver="latest") as file:
        write_attributes(file, {**attributes, **header})
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
    """Write prompts and weights: initial, last, best, and those of the curve."""
    stages = {"initial": problem.initial_prompts, "last": adaptation.last}
    stages["best"] = adaptation.best
    for name, prompts in stages.items():
        _write_prompts(file, name, prompts)
    for iteration, prompts in sorted(adaptation.curve.items()):
        _write_prompts(file, f"curve/{iteration:06d}", prompts)
    _write_weights(file, "weights", adaptation.weights or {})
    for iteration, weights in sorted(adaptation.snapshots.items()):
        _write_weights(file, f"snapshots/{iteration:06d}", weights)


def _columns(history: list[HistoryRow], made_by: str) -> dict[str, np.ndarray]:
    """Columns of a history, as arrays by name."""
    wrong = {type(row).__name__ for row in history if not isinstance(row, HistoryRow)}
    if wrong or not history:
        found = f"entries of type {', '.join(sorted(wrong))}" if wrong else "no entries"
        expected = "one or more entries of type HistoryRow"
        raise TrajpromptError(f"{made_by}:history", f"found {found}", expected, REMEDY)
    columns = {
        name: np.array([getattr(row, name) for row in history]) for name in HISTORY_COLUMNS
    }
    for name, values in columns.items():
        if values.dtype.kind not in NUMBER:
            where, found = f"{made_by}:history/{name}", f"found type {values.dtype}"
            raise TrajpromptError(where, found, "numbers", REMEDY)
    return columns


def _write_weights(
    file: "h5py.File", group: str, weights_by_row: "Mapping[int, Mapping[str, Tensor]]"
) -> None:
    for row, weights in sorted(weights_by_row.items()):
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
