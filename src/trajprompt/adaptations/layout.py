"""Layout of an adaptation file, checked before it is read."""

import re
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trajprompt.adaptations.adaptation import HISTORY_COLUMNS, MEASURED
from trajprompt.artifacts.atomic import require_file
from trajprompt.artifacts.hdf5_attributes import get_integer, get_text
from trajprompt.artifacts.hdf5_checks import open_hdf5, require_dataset
from trajprompt.errors import TrajpromptError

if TYPE_CHECKING:
    import h5py

KIND = "adaptation"
REMEDY = "run `trajprompt tune` again"
PROMPT_FIELDS = {
    "returns_to_go": ("reward / return scale", "return-to-go of each prompt step"),
    "states": ("standard deviations", "states, normalised by the backbone's statistics"),
    "actions": ("as the simulator's", "actions"),
    "timesteps": ("control step", "position in the source episode"),
    "mask": ("bool", "False where a prompt step is padding"),
}
STAGES = ("initial", "last", "best")
NAMES = {"task", "prompt", "best_iteration", "history", "curve", "extras"}
NAMES |= {"weights", "snapshots", *STAGES}
ITERATION, ROW = re.compile("[0-9]{6,9}"), re.compile("row[0-9]{4,9}")
EXTRA_TEXTS = ("unit", "description")  # attributes of every extra, as in `Extra`
UNEXPECTED = "found an unexpected group or dataset"
INTEGER, NUMBER = "iu", "iuf"  # NumPy's type letters


def open_adaptation(path: str | Path) -> "AbstractContextManager[h5py.File]":
    """Open an adaptation file; see `hdf5_checks.open_hdf5`."""
    return open_hdf5(require_file(path, "trajprompt tune"), KIND, REMEDY)


def check_layout(file: "h5py.File", path: object) -> None:
    """Raise unless every dataset is present, with the right type and shape."""
    for name in sorted(set(file) - NAMES):
        expected = f"only {', '.join(sorted(NAMES))}"
        raise TrajpromptError(f"{path}:{name}", UNEXPECTED, expected, REMEDY)
    missing = [stage for stage in STAGES if stage not in file]
    if missing and len(missing) < len(STAGES):
        found = f"found no prompts {', '.join(missing)}"
        raise TrajpromptError(path, found, f"all of {', '.join(STAGES)}, or none", REMEDY)
    rows = len(require_dataset(file, "task", f"{path}:", REMEDY, INTEGER, (None,)))
    for name in ("prompt", "best_iteration"):
        require_dataset(file, name, f"{path}:", REMEDY, INTEGER, (rows,))
    check_history(file, path)
    curve = _members(file, "curve", ITERATION, path)
    for name in (*(stage for stage in STAGES if stage in file), *curve):
        _check_prompts(file, name, path, rows)
        _check_segments(file, name, path)
    for group in ("weights", *_members(file, "snapshots", ITERATION, path)):
        _check_weights(file, group, path, rows)
    _check_extras(file, path)


def _check_weights(file: "h5py.File", group: str, path: object, rows: int) -> None:
    """Raise unless ``group`` holds parameter arrays by row, for existing rows."""
    for name in _members(file, group, ROW, path):
        if int(name.removeprefix(f"{group}/row")) >= rows:
            found, expected = "found weights of a row that does not exist", f"{rows} rows"
            raise TrajpromptError(f"{path}:{name}", found, expected, REMEDY)
        for parameter in file[name]:
            dataset = getattr(file[name][parameter], "shape", None)
            if dataset is None:
                where = f"{path}:{name}/{parameter}"
                expected = "an array with the values of one parameter"
                raise TrajpromptError(where, "found a group", expected, REMEDY)


def _check_extras(file: "h5py.File", path: object) -> None:
    """Raise unless the extras are arrays, each with a unit and a description."""
    extras = file.get("extras", {})
    if not hasattr(extras, "keys"):
        raise TrajpromptError(f"{path}:extras", "found an array", "a group", REMEDY)
    for name, item in extras.items():
        texts = [get_text(item, key) for key in EXTRA_TEXTS]
        if not hasattr(item, "shape") or None in texts:
            found = "found a group, or an array without unit or description"
            expected = "an array with the attributes unit and description"
            raise TrajpromptError(f"{path}:extras/{name}", found, expected, REMEDY)


def check_history(file: "h5py.File", path: object) -> None:
    """Raise unless the columns of the history are complete and equally long."""
    length: int | None = None
    for name in HISTORY_COLUMNS:
        where, kinds = f"{path}:", NUMBER if name in MEASURED else INTEGER
        column = require_dataset(file, f"history/{name}", where, REMEDY, kinds, (length,))
        length = len(column)
    if not length:
        where, expected = f"{path}:history", "at least one entry"
        raise TrajpromptError(where, "found no entries", expected, REMEDY)


def check_iterations(
    rows: Iterable[tuple[int, int, Iterable[int]]],
    history: dict[str, np.ndarray],
    path: object,
) -> None:
    """Raise unless the history has an entry for each iteration of each row.

    ``rows`` holds (task, prompt, iterations).
    """
    columns = (history[name].tolist() for name in ("task", "prompt", "iteration"))
    entries = set(zip(*columns, strict=True))
    for task, prompt, iterations in rows:
        for iteration in iterations:
            if (task, prompt, iteration) not in entries:
                entry = f"task {task}, prompt {prompt}, iteration {iteration}"
                found, expected = f"found no entry of {entry}", "at least one entry"
                raise TrajpromptError(f"{path}:history", found, expected, REMEDY)


def _check_prompts(file: "h5py.File", name: str, path: object, rows: int) -> None:
    """Raise unless a group holds PROMPT_FIELDS with matching shapes.

    These are (R, P, 1), (R, P, S), (R, P, A), (R, P) and (R, P).
    """
    where = f"{path}:{name}"
    if not hasattr(file[name], "keys"):
        raise TrajpromptError(where, "found an array", "a group of prompts", REMEDY)

    def require(field: str, kinds: str, *shape: int | None) -> Any:
        return require_dataset(file[name], field, where, REMEDY, kinds, shape)

    steps = require("returns_to_go", "f", rows, None, 1).shape[1]
    for field in ("states", "actions"):
        require(field, "f", rows, steps, None)
    require("timesteps", INTEGER, rows, steps)
    require("mask", "b", rows, steps)


def _check_segments(file: "h5py.File", name: str, path: object) -> None:
    """Raise unless ``prompt_segments``, if set, divides the number of prompt steps."""
    if "prompt_segments" not in file.attrs:
        return
    count = get_integer(file, "prompt_segments", str(path), REMEDY)
    steps = file[f"{name}/mask"].shape[1]
    if count < 1 or steps % count:
        found = f"found {count} segments for prompts of {steps} steps"
        expected = "a number that divides the steps into segments of equal length"
        raise TrajpromptError(f"{path}: prompt_segments", found, expected, REMEDY)


def _members(
    file: "h5py.File", group: str, pattern: re.Pattern[str], path: object
) -> list[str]:
    """Full names of a group's members; empty if the group is missing.

    Raises TrajpromptError for members that are no groups or do not match ``pattern``.
    """
    if group not in file:
        return []
    if not hasattr(file[group], "keys"):
        raise TrajpromptError(f"{path}:{group}", "found an array", "a group", REMEDY)
    for name in file[group]:
        if not pattern.fullmatch(name) or not hasattr(file[group][name], "keys"):
            where = f"{path}:{group}/{name}"
            expected = f"only groups whose names match {pattern.pattern}"
            raise TrajpromptError(where, UNEXPECTED, expected, REMEDY)
    return [f"{group}/{name}" for name in file[group]]
