"""Reading tables and YAML for the report: whatever is damaged becomes a TrajpromptError."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from trajprompt.artifacts.atomic import require_file
from trajprompt.errors import TrajpromptError
from trajprompt.settings import parsing

LARGEST_HEADER, MOST_COLUMNS = 2**16, 1000  # bytes; our widest table has 20 columns


def read_table(
    path: str | Path,
    made_by: str,
    columns: Sequence[str],
    numbers: Sequence[str] = (),
    perhaps: Sequence[str] = (),
    **options: Any,
) -> pd.DataFrame:
    """The CSV at ``path``, with at least ``columns`` and one row.

    ``numbers`` are columns of finite numbers throughout, ``perhaps`` may have holes;
    ``options`` are pandas' own. The error says how to make the file again: run ``made_by``.
    """
    remedy = f"run `{made_by}`"
    path = require_file(path, made_by)
    _check_header(path, remedy)
    try:
        table = pd.read_csv(path, **options)
    except (ValueError, OverflowError) as error:  # pandas' errors are ValueErrors
        found = f"not a table ({_one_line(error)})"
        raise TrajpromptError(path, found, "a UTF-8 CSV with a header", remedy) from error
    if not isinstance(table.index, pd.RangeIndex):
        found = "more cells in a row than in the header"
        raise TrajpromptError(path, found, "as many", remedy)
    missing = [name for name in columns if name not in table.columns]
    if missing:
        found = f"columns {list(table.columns)[:20]}"
        raise TrajpromptError(path, found, f"also {missing}", remedy)
    if table.empty:
        raise TrajpromptError(path, "a header without rows", "one row or more", remedy)
    for name in numbers:
        if not _finite(table[name]):
            found = f"column {name} holds a value that is not a finite number"
            raise TrajpromptError(path, found, "finite numbers", remedy)
    for name in perhaps:
        if not _finite(table[name].dropna()):
            found = f"column {name} holds a value that is no number"
            raise TrajpromptError(path, found, "numbers or nothing", remedy)
    return table


def _check_header(path: Path, remedy: str) -> None:
    """Refuse very wide tables: pandas takes the square of their width in time."""
    with path.open("rb") as handle:
        start = handle.read(LARGEST_HEADER).lstrip()
    header = start.splitlines()[0] if start else b""
    columns = header.count(b",") + 1
    if not header or len(header) == LARGEST_HEADER or columns > MOST_COLUMNS:
        found = f"not a table (a header of {len(header)} bytes, {columns} columns)"
        expected = f"a UTF-8 CSV with a header of at most {MOST_COLUMNS} columns"
        raise TrajpromptError(path, found, expected, remedy)


def read_yaml(path: str | Path, made_by: str) -> Any:
    """What the YAML file at ``path`` holds."""
    return parsing.read_yaml(require_file(path, made_by), f"run `{made_by}`")


def _finite(column: pd.Series) -> bool:
    return column.dtype.kind in "iuf" and bool(np.isfinite(column.to_numpy()).all())


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
