"""Tables of the calibration's jobs."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from trajprompt.artifacts.atomic import require_file
from trajprompt.errors import TrajpromptError

CELL = ("suite", "condition", "method", "seed")
SWEEP_COLUMNS = (
    *CELL,
    "setting",
    "task",
    "gain",
    "initial",
    "action_change",
    "evaluation_episodes",
    "tuning_episodes",
    "contexts",
    "same_tasks",
)
SIGNAL_COLUMNS = ("suite", "condition", "seed", "task", "smoothing", "cosine")
COMMAND = "trajprompt calibrate --all"


def read_sweeps(files: Sequence[Path]) -> dict[tuple[str, str], pd.DataFrame]:
    """Rows of the sweeps of all backbones by (suite, method).

    Raises TrajpromptError if a file is missing or has other columns.
    """
    found: dict[tuple[str, str], list[pd.DataFrame]] = {}
    for file in files:
        rows = _read(file, SWEEP_COLUMNS)
        key = (str(rows["suite"].iloc[0]), str(rows["method"].iloc[0]))
        found.setdefault(key, []).append(rows)
    return {key: pd.concat(tables, ignore_index=True) for key, tables in found.items()}


def read_signals(files: Sequence[Path]) -> pd.DataFrame:
    """Signals of all suites, conditions and backbones; an error as for `read_sweeps`."""
    tables = [_read(file, SIGNAL_COLUMNS) for file in files]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _read(file: Path, columns: Sequence[str]) -> pd.DataFrame:
    rows = pd.read_csv(require_file(file, COMMAND))
    missing = [name for name in columns if name not in rows]
    if missing or rows.empty:
        found = f"found no column {missing[0]}" if missing else "found no rows"
        remedy = f"remove it and run `{COMMAND}` again"
        raise TrajpromptError(file, found, ", ".join(columns), remedy)
    return rows
