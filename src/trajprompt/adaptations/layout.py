"""The layout of an adaptation file, checked before anything of it is read."""

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
EXTRA_TEXTS = ("unit", "description")  # of every extra, as in `protocol.Extra`
INTEGER, NUMBER = "iu", "iuf"  # NumPy's letters


def open_adaptation(path: str | Path) -> "AbstractContextManager[h5py.File]":
    """The open file of an adaptation; see `hdf5_checks.open_hdf5`."""
    return open_hdf5(require_file(path, "trajprompt tune"), KIND, REMEDY)


def check_layout(file: "h5py.File", path: object) -> None:
    """Raise unless every dataset is there, of its type and of a shape that fits."""
    for name in sorted(set(file) - NAMES):
        raise TrajpromptError(f"{path}:{name}", "a foreign item", "none", REMEDY)
    missing = [stage for stage in STAGES if stage not in file]
    if missing and len(missing) < len(STAGES):
        found = f"no prompts {', '.join(missing)}, but others"
        raise TrajpromptError(path, found, "all of them or none", REMEDY)
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
    """Arrays of numbers, by row."""
    for name in _members(file, group, ROW, path):
        if int(name.removeprefix(f"{group}/row")) >= rows:
            raise TrajpromptError(f"{path}:{name}", "no such row", f"{rows} rows", REMEDY)
        for parameter in file[name]:
            dataset = getattr(file[name][parameter], "shape", None)
            if dataset is None:
                where = f"{path}:{name}/{parameter}"
                raise TrajpromptError(where, "a group", "a parameter", REMEDY)


def _check_extras(file: "h5py.File", path: object) -> None:
    """Arrays of numbers, each with its unit and description."""
    extras = file.get("extras", {})
    if not hasattr(extras, "keys"):
        raise TrajpromptError(f"{path}:extras", "no group", "a group", REMEDY)
    for name, item in extras.items():
        texts = [get_text(item, key) for key in EXTRA_TEXTS]
        if not hasattr(item, "shape") or None in texts:
            found = "a group, or nothing that says what it is"
            expected = "an array with unit and description"
            raise TrajpromptError(f"{path}:extras/{name}", found, expected, REMEDY)


def check_history(file: "h5py.File", path: object) -> None:
    """Raise unless the columns of the history are whole and equally long."""
    length: int | None = None
    for name in HISTORY_COLUMNS:
        where, kinds = f"{path}:", NUMBER if name in MEASURED else INTEGER
        column = require_dataset(file, f"history/{name}", where, REMEDY, kinds, (length,))
        length = len(column)
    if not length:
        raise TrajpromptError(f"{path}:history", "no entries", "one or more", REMEDY)


def check_iterations(
    rows: Iterable[tuple[int, int, Iterable[int]]],
    history: dict[str, np.ndarray],
    path: object,
) -> None:
    """Raise unless the history has every (task, prompt) at each of its iterations."""
    columns = (history[name].tolist() for name in ("task", "prompt", "iteration"))
    held = set(zip(*columns, strict=True))
    for task, prompt, iterations in rows:
        for iteration in iterations:
            if (task, prompt, iteration) not in held:
                found = f"nothing of task {task}, prompt {prompt}, iteration {iteration}"
                raise TrajpromptError(f"{path}:history", found, "an entry", REMEDY)


def _check_prompts(file: "h5py.File", name: str, path: object, rows: int) -> None:
    """(R, P, 1), (R, P, S), (R, P, A), (R, P), (R, P) as in PROMPT_FIELDS."""
    where = f"{path}:{name}"
    if not hasattr(file[name], "keys"):
        raise TrajpromptError(where, "no group", "a group of prompts", REMEDY)

    def require(field: str, kinds: str, *shape: int | None) -> Any:
        return require_dataset(file[name], field, where, REMEDY, kinds, shape)

    steps = require("returns_to_go", "f", rows, None, 1).shape[1]
    for field in ("states", "actions"):
        require(field, "f", rows, steps, None)
    require("timesteps", INTEGER, rows, steps)
    require("mask", "b", rows, steps)


def _check_segments(file: "h5py.File", name: str, path: object) -> None:
    """Raise unless prompts can be as many segments as the file says, where it does."""
    if "prompt_segments" not in file.attrs:
        return
    count = get_integer(file, "prompt_segments", str(path), REMEDY)
    steps = file[f"{name}/mask"].shape[1]
    if count < 1 or steps % count:
        where, found = f"{path}: prompt_segments", f"{count} in prompts of {steps} steps"
        raise TrajpromptError(where, found, "segments of equal length", REMEDY)


def _members(
    file: "h5py.File", group: str, pattern: re.Pattern[str], path: object
) -> list[str]:
    """Full names of what a group holds, if it is there; foreign names are errors."""
    if group not in file:
        return []
    if not hasattr(file[group], "keys"):
        raise TrajpromptError(f"{path}:{group}", "no group", "a group", REMEDY)
    for name in file[group]:
        if not pattern.fullmatch(name) or not hasattr(file[group][name], "keys"):
            where = f"{path}:{group}/{name}"
            raise TrajpromptError(where, "a foreign item", pattern.pattern, REMEDY)
    return [f"{group}/{name}" for name in file[group]]
