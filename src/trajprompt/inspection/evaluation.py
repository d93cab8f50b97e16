"""Description of an evaluation, and of any other CSV table of a stage."""

import csv
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from trajprompt.errors import TrajpromptError
from trajprompt.inspection import text
from trajprompt.rollout.columns import COUNT_COLUMNS, EVALUATION_COLUMNS, SELECTIONS

REMEDY = "run the command that made it again"

Table = dict[str, np.ndarray]  # column -> (rows,), float64 where every cell is a number


def read_table(path: Path) -> Table:
    """All columns of a CSV; TrajpromptError for a missing header or unequal rows."""
    try:
        with path.open(newline="", encoding="utf-8") as handle:
            rows = list(csv.reader(handle))
    except (UnicodeDecodeError, csv.Error) as error:
        found = f"not a text table ({error})"
        raise TrajpromptError(path, found, "a UTF-8 CSV", REMEDY) from error
    header = rows[0] if rows else []
    if len(rows) < 2 or len(set(header)) != len(header):
        found = f"found {len(rows)} lines, header {header!r:.200}"
        expected = "a header of different names, and at least one row"
        raise TrajpromptError(path, found, expected, REMEDY)
    for line, row in enumerate(rows[1:], 2):
        if len(row) != len(header):
            found = f"found {len(row)} cells"
            expected = f"{len(header)} cells, as in the header"
            raise TrajpromptError(f"{path}: line {line}", found, expected, REMEDY)
    return {name: _column([row[i] for row in rows[1:]]) for i, name in enumerate(header)}


def _column(cells: list[str]) -> np.ndarray:
    try:
        return np.array(
            [
                float(cell.replace("True", "1").replace("False", "0") or "nan")
                for cell in cells
            ]
        )
    except ValueError:
        return np.array(cells)


def is_evaluation(columns: Table, path: Path) -> bool:
    """True if a table has the columns of an evaluation.

    Raises TrajpromptError if the values of these columns are invalid.
    """
    if not all(name in columns for name in EVALUATION_COLUMNS):
        return False
    for name in (*COUNT_COLUMNS, "return"):
        if columns[name].dtype.kind != "f" or not np.isfinite(columns[name]).all():
            found = "found values that are not finite numbers"
            raise TrajpromptError(f"{path}: {name}", found, "finite numbers", REMEDY)
    unknown = sorted(set(map(str, columns["checkpoint"].tolist())) - {*SELECTIONS})
    if unknown:
        where, expected = f"{path}: checkpoint", " or ".join(SELECTIONS)
        raise TrajpromptError(where, f"found {unknown[0]!r:.80}", expected, REMEDY)
    return True


def select_task(columns: Table, path: Path, task: int | None) -> Table:
    """Rows of one task, or of all tasks."""
    if task is None:
        return columns
    mask = columns["task"] == task if "task" in columns else np.zeros(0, dtype=bool)
    if not mask.any():
        expected, remedy = "a task in the column task", "give another --task, or none"
        raise TrajpromptError(path, f"no task {task}", expected, remedy)
    return {name: values[mask] for name, values in columns.items()}


def describe(path: Path, task: int | None) -> list[str]:
    """Sections that ``trajprompt inspect`` prints for a CSV."""
    columns = select_task(read_table(path), path, task)
    shape = f"{len(next(iter(columns.values()))):,} rows"
    listed = text.section(f"columns, {shape}", _column_table(columns))
    return [listed, *(_evaluation(columns) if is_evaluation(columns, path) else [])]


def _column_table(columns: Table) -> list[str]:
    rows: list[tuple[object, ...]] = []
    for name, values in columns.items():
        if values.dtype.kind == "f":
            finite = values[np.isfinite(values)]
            if not len(finite):
                rows.append((name, "empty", "", "", "", ""))
                continue
            integers = np.array_equal(finite, finite.round())  # indices or counts
            least, most, last = (
                int(v) if integers and np.isfinite(v) else v
                for v in (finite.min(), finite.max(), values[-1])
            )
            rows.append((name, "number", least, finite.mean(), most, last))
        else:
            distinct = sorted(set(values.tolist()))
            shown = ", ".join(distinct[:4]) + (" …" if len(distinct) > 4 else "")
            rows.append((name, "text", "", shown, "", values[-1]))
    return text.table(("column", "type", "min", "mean", "max", "last row"), rows)


def _evaluation(columns: Table) -> list[str]:
    returns = columns["return"]
    final = groups(columns, ("checkpoint", "task"), columns["checkpoint"] != "curve")
    header = ("checkpoint", "task", "episodes", *text.STATISTICS, "length", "success")
    rows = [
        (
            checkpoint,
            int(task),
            int(mask.sum()),
            *text.statistics(returns[mask]),
            columns["length"][mask].mean(),
            columns["success"][mask].mean(),
        )
        for (checkpoint, task), mask in final.items()
    ]
    sections = [text.section("episode returns (sum of rewards)", text.table(header, rows))]
    curve = groups(columns, ("iteration",), columns["checkpoint"] == "curve")
    if curve:
        by_iteration = [
            (int(iteration), int(mask.sum()), *text.statistics(returns[mask]))
            for (iteration,), mask in curve.items()
        ]
        lines = text.table(("iteration", "episodes", *text.STATISTICS), by_iteration)
        sections.append(text.section("tuning curve (all tasks)", lines))
    for checkpoint in sorted(set(columns["checkpoint"].tolist()) - {"curve"}):
        selected = returns[columns["checkpoint"] == checkpoint]
        title = f"histogram of {len(selected):,} episode returns, {checkpoint}"
        sections.append(text.section(title, text.histogram(selected)))
    return sections


def groups(
    columns: Table, keys: tuple[str, ...], where: np.ndarray
) -> dict[tuple[Any, ...], np.ndarray]:
    """Values of the columns ``keys``, sorted -> mask (rows,) of their rows in ``where``."""
    found: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for row in np.flatnonzero(where):
        found[tuple(columns[key][row].item() for key in keys)].append(int(row))
    masks = {}
    for key, rows in sorted(found.items()):
        masks[key] = np.zeros(len(where), dtype=bool)
        masks[key][rows] = True
    return masks
