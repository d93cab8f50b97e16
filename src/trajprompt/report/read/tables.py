"""Tables and YAML files of the report; damaged files raise TrajpromptError."""

import gzip
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from trajprompt.artifacts.atomic import require_file
from trajprompt.errors import TrajpromptError
from trajprompt.settings import parsing

MAX_HEADER_BYTES, MAX_COLUMNS = 2**16, 1000  # our widest table has 20 columns


def read_table(
    path: str | Path,
    made_by: str,
    columns: Sequence[str],
    finite: Sequence[str] = (),
    nullable: Sequence[str] = (),
    **options: Any,
) -> pd.DataFrame:
    """Read the CSV at ``path``, which has at least ``columns`` and one row.

    Columns ``finite`` contain finite numbers; ``nullable`` may also have empty cells.
    ``options`` are passed to pandas. The remedy of errors is to run ``made_by``.
    """
    remedy = f"run `{made_by}`"
    path = require_file(path, made_by)
    _check_header(path, remedy)
    try:
        table = pd.read_csv(path, **options)
    # pandas' errors are ValueErrors; the last three are those of a damaged archive.
    except (ValueError, OverflowError, OSError, EOFError, zlib.error) as error:
        found = f"not a table ({_one_line(error)})"
        raise TrajpromptError(path, found, "a UTF-8 CSV with a header", remedy) from error
    if not isinstance(table.index, pd.RangeIndex):
        found = "found more cells in a row than in the header"
        raise TrajpromptError(path, found, "equal numbers of cells", remedy)
    missing = [name for name in columns if name not in table.columns]
    if missing:
        found = f"found columns {list(table.columns)[:20]}"
        raise TrajpromptError(path, found, f"also {missing}", remedy)
    if table.empty:
        found = "found a header without rows"
        raise TrajpromptError(path, found, "at least one row", remedy)
    for name in finite:
        if not _is_finite(table[name]):
            found = f"column {name} contains a value that is not a finite number"
            raise TrajpromptError(path, found, "finite numbers", remedy)
    for name in nullable:
        if not _is_finite(table[name].dropna()):
            found = f"column {name} contains a value that is not a finite number"
            raise TrajpromptError(path, found, "finite numbers or empty cells", remedy)
    return table


def _check_header(path: Path, remedy: str) -> None:
    """Reject very wide tables: the time of pandas is quadratic in their width."""
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rb") as handle:
            start = bytes(handle.read(MAX_HEADER_BYTES)).lstrip()
    except (OSError, EOFError, zlib.error) as error:  # of a damaged archive
        found = f"not a compressed table ({_one_line(error)})"
        raise TrajpromptError(path, found, "a complete .csv.gz", remedy) from error
    header = start.splitlines()[0] if start else b""
    columns = header.count(b",") + 1
    if not header or len(header) == MAX_HEADER_BYTES or columns > MAX_COLUMNS:
        found = f"not a table (a header of {len(header)} bytes, {columns} columns)"
        expected = f"a UTF-8 CSV with a header of at most {MAX_COLUMNS} columns"
        raise TrajpromptError(path, found, expected, remedy)


def read_yaml(path: str | Path, made_by: str) -> Any:
    """Content of the YAML file at ``path``."""
    return parsing.read_yaml(require_file(path, made_by), f"run `{made_by}`")


def _is_finite(column: pd.Series) -> bool:
    return column.dtype.kind in "iuf" and bool(np.isfinite(column.to_numpy()).all())


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
