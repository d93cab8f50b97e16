"""What an evaluation says, and a summary of any other CSV table that a stage writes."""

import csv
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from trajprompt.errors import TrajpromptError
from trajprompt.inspection import text
from trajprompt.rollout.columns import COUNT_COLUMNS, EVALUATION_COLUMNS, SELECTIONS

REMEDY = "make it again with the stage that wrote it"

Table = dict[str, np.ndarray]  # column -> (rows,), float64 where every cell is a number


def read_table(path: Path) -> Table:
    """All columns of a CSV; ragged rows and a missing header are TrajpromptErrors."""
    try:
        with path.open(newline="", encoding="utf-8") as handle:
            rows = list(csv.reader(handle))
    except (UnicodeDecodeError, csv.Error) as error:
        found = f"not a text table ({error})"
        raise TrajpromptError(path, found, "a UTF-8 CSV", REMEDY) from error
    header = rows[0] if rows else []
    if len(rows) < 2 or len(set(header)) != len(header):
        found = f"{len(rows)} lines, header {header!r:.200}"
        raise TrajpromptError(path, found, "rows below different names", REMEDY)
    for line, row in enumerate(rows[1:], 2):
        if len(row) != len(header):
            found, expected = f"{len(row)} cells", f"{len(header)} as in the header"
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
    """Whether a table has the columns of an evaluation; then their types are checked."""
    if not all(name in columns for name in EVALUATION_COLUMNS):
        return False
    for name in (*COUNT_COLUMNS, "return"):
        if columns[name].dtype.kind != "f" or not np.isfinite(columns[name]).all():
            found = "values that are not numbers"
            raise TrajpromptError(f"{path}: {name}", found, "numbers", REMEDY)
    odd = sorted(set(map(str, columns["checkpoint"].tolist())) - {*SELECTIONS})
    if odd:
        where, expected = f"{path}: checkpoint", " or ".join(SELECTIONS)
        raise TrajpromptError(where, f"{odd[0]!r:.80}", expected, REMEDY)
    return True


def select_task(columns: Table, path: Path, task: int | None) -> Table:
    """The rows of one task, or all."""
    if task is None:
        return columns
    own = columns["task"] == task if "task" in columns else np.zeros(0, dtype=bool)
    if not own.any():
        raise TrajpromptError(path, f"no task {task}", "a task of the table")
    return {name: values[own] for name, values in columns.items()}


def describe(path: Path, task: int | None) -> list[str]:
    """The sections that ``trajprompt inspect`` prints for a CSV."""
    columns = select_task(read_table(path), path, task)
    shape = f"{len(next(iter(columns.values()))):,} rows"
    listed = text.section(f"columns, {shape}", _column_table(columns))
    return [listed, *(_evaluation(columns) if is_evaluation(columns, path) else [])]


def _column_table(columns: Table) -> list[str]:
    rows: list[tuple[object, ...]] = []
    for name, values in columns.items():
        if values.dtype.kind == "f":
            known = values[np.isfinite(values)]
            if not len(known):
                rows.append((name, "empty", "", "", "", ""))
                continue
            whole = np.array_equal(known, known.round())  # an index or a count
            least, most, last = (
                int(v) if whole and np.isfinite(v) else v
                for v in (known.min(), known.max(), values[-1])
            )
            rows.append((name, "number", least, known.mean(), most, last))
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
            int(own.sum()),
            *text.statistics(returns[own]),
            columns["length"][own].mean(),
            columns["success"][own].mean(),
        )
        for (checkpoint, task), own in final.items()
    ]
    sections = [text.section("episode returns (sum of rewards)", text.table(header, rows))]
    curve = groups(columns, ("iteration",), columns["checkpoint"] == "curve")
    if curve:
        by_iteration = [
            (int(iteration), int(own.sum()), *text.statistics(returns[own]))
            for (iteration,), own in curve.items()
        ]
        lines = text.table(("iteration", "episodes", *text.STATISTICS), by_iteration)
        sections.append(text.section("tuning curve (all tasks)", lines))
    for checkpoint in sorted(set(columns["checkpoint"].tolist()) - {"curve"}):
        own = returns[columns["checkpoint"] == checkpoint]
        title = f"histogram of {len(own):,} episode returns, {checkpoint}"
        sections.append(text.section(title, text.histogram(own)))
    return sections


def groups(
    columns: Table, keys: tuple[str, ...], where: np.ndarray
) -> dict[tuple[Any, ...], np.ndarray]:
    """Sorted key values -> mask (rows,) of the rows that have them, among ``where``."""
    found: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for row in np.flatnonzero(where):
        found[tuple(columns[key][row].item() for key in keys)].append(int(row))
    masks = {}
    for key, rows in sorted(found.items()):
        masks[key] = np.zeros(len(where), dtype=bool)
        masks[key][rows] = True
    return masks
