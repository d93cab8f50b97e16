"""Reading tables and YAML for the report: whatever is damaged becomes a TrajpromptError."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from trajprompt.artifacts import require_file
from trajprompt.errors import TrajpromptError


def read_table(
    path: str | Path,
    made_by: str,
    columns: Sequence[str],
    numbers: Sequence[str] = (),
    **options: Any,
) -> pd.DataFrame:
    """The CSV at ``path``, with at least ``columns`` and one row.

    ``numbers`` are columns of finite numbers throughout; ``options`` are pandas' own. The
    error says how to make the file again: run ``made_by``.
    """
    remedy = f"run `{made_by}`"
    try:
        table = pd.read_csv(require_file(path, made_by), **options)
    except (ValueError, OverflowError) as error:  # pandas' errors are ValueErrors
        found = f"not a table ({_one_line(error)})"
        raise TrajpromptError(path, found, "a UTF-8 CSV with a header", remedy) from error
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
    return table


def read_yaml(path: str | Path, made_by: str) -> Any:
    """What the YAML file at ``path`` holds."""
    import yaml

    try:
        return yaml.safe_load(require_file(path, made_by).read_text(encoding="utf-8"))
    except (yaml.YAMLError, ValueError) as error:  # bad bytes and dates are ValueErrors
        found = f"not YAML ({_one_line(error)})"
        raise TrajpromptError(path, found, "a YAML file", f"run `{made_by}`") from error


def _finite(column: pd.Series) -> bool:
    return column.dtype.kind in "iuf" and bool(np.isfinite(column.to_numpy()).all())


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
