"""Description of an adaptation: its tree and the history of every prompt."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from trajprompt.adaptations.layout import check_history
from trajprompt.errors import TrajpromptError
from trajprompt.inspection import hdf5, text

if TYPE_CHECKING:
    import h5py

COUNTS = ("queries", "simulator_steps", "gradient_steps")
COLUMNS = ("task", "prompt", "iteration", *COUNTS, "objective", "displacement")


class RowHistory(NamedTuple):
    task: int
    prompt: int
    columns: dict[str, np.ndarray]  # each (iterations,)


def read_history(file: "h5py.File", path: Path, task: int | None) -> list[RowHistory]:
    """History of every prompt of one task, or of all tasks."""
    check_history(file, path)
    history = {name: file[f"history/{name}"][:] for name in COLUMNS}
    pairs = zip(history["task"].tolist(), history["prompt"].tolist(), strict=True)
    keys = sorted(set(pairs))
    if task is not None and task not in {key[0] for key in keys}:
        known = ", ".join(str(index) for index in sorted({key[0] for key in keys}))
        remedy = "give one of these with --task"
        raise TrajpromptError(path, f"no task {task}", f"one of {known}", remedy)
    return [
        _row(history, task_, prompt)
        for task_, prompt in keys
        if task is None or task_ == task
    ]


def _row(history: dict[str, np.ndarray], task: int, prompt: int) -> RowHistory:
    mask = (history["task"] == task) & (history["prompt"] == prompt)
    columns = {name: values[mask] for name, values in history.items()}
    return RowHistory(task, prompt, columns)


def describe(file: "h5py.File", path: Path, task: int | None) -> list[str]:
    """Sections that ``trajprompt inspect`` prints for an adaptation."""
    rows = read_history(file, path, task)
    extras = _extras(file)
    return [
        text.section("attributes", text.attributes(hdf5.plain_attributes(file))),
        text.section("tree", hdf5.tree(file)),
        *([text.section("extras, over all their values", extras)] if extras else []),
        text.section("history of every prompt, at its last iteration", _summary(rows)),
    ]


def _extras(file: "h5py.File") -> list[str]:
    """Statistics, a line per array; empty arrays (no iterations) are left out."""
    known = {name: data[()] for name, data in file.get("extras", {}).items() if data.size}
    rows = [(name, *text.statistics(values)) for name, values in known.items()]
    return text.table(("name", *text.STATISTICS), rows) if rows else []


def _summary(rows: list[RowHistory]) -> list[str]:
    header = (
        "task",
        "prompt",
        "iteration",
        *COUNTS,
        "objective 0",
        "least",
        "last",
        "moved",
    )
    return text.table(
        header,
        [
            (
                row.task,
                row.prompt,
                row.columns["iteration"][-1],
                *(row.columns[name][-1] for name in COUNTS),
                float(row.columns["objective"][0]),
                float(row.columns["objective"].min()),
                float(row.columns["objective"][-1]),
                float(row.columns["displacement"][-1]),
            )
            for row in rows
        ],
    )
