"""All evaluation episodes of a run as one compressed table.

The columns are those of an evaluation. An episode that several checkpoints of a cell share
is one row, whose checkpoint joins their names: ``best+curve+last``.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from trajprompt.report.read.cells import check_episodes
from trajprompt.report.read.tables import read_table
from trajprompt.rollout.columns import (
    CELL_COLUMNS,
    COUNT_COLUMNS,
    EVALUATION_COLUMNS,
    TEXT_COLUMNS,
)

EPISODES_FILE = "episodes.csv.gz"  # in the folder of a report
MADE_BY = "trajprompt report episodes"
JOIN = "+"
# Rows of one prompt are together, which compresses best.
ORDER = [*CELL_COLUMNS, "task", "prompt", "iteration", "checkpoint", "episode"]


def joined_episodes(paths: Sequence[str | Path]) -> pd.DataFrame:
    """Episodes of the evaluations at ``paths``, sorted; numbers keep their digits."""
    options: dict[str, Any] = {"dtype": str, "keep_default_na": False}
    tables = [
        read_table(p, "trajprompt evaluate", EVALUATION_COLUMNS, **options) for p in paths
    ]
    found = pd.concat(tables, ignore_index=True)[list(EVALUATION_COLUMNS)]
    joined = _joined(found).sort_values(ORDER, key=_sortable, ignore_index=True)
    return joined[list(EVALUATION_COLUMNS)]


def _joined(found: pd.DataFrame) -> pd.DataFrame:
    """One row per episode and iteration, whose checkpoint has the names of all its rows."""
    shared = [name for name in EVALUATION_COLUMNS if name != "checkpoint"]
    names = sorted(set(found["checkpoint"]))
    shows = {name: found["checkpoint"] == name for name in names}
    table = found[shared].assign(**shows).groupby(shared, sort=False).any().reset_index()
    texts = [np.where(table.pop(name), JOIN + name, "") for name in names]
    checkpoint = pd.Series(texts[0], dtype=str)
    for text in texts[1:]:
        checkpoint = checkpoint + text
    return table.assign(checkpoint=checkpoint.str.removeprefix(JOIN))


def read_episodes(path: str | Path) -> pd.DataFrame:
    """Read all episodes, a row per checkpoint and episode as in the evaluations.

    Raises TrajpromptError for a damaged file.
    """
    options: dict[str, Any] = {"keep_default_na": False, "na_values": [""]}
    options |= {"dtype": dict.fromkeys(TEXT_COLUMNS, str), "float_precision": "round_trip"}
    finite = (*COUNT_COLUMNS, "return")
    table = read_table(path, MADE_BY, EVALUATION_COLUMNS, finite, **options)
    table["checkpoint"] = table["checkpoint"].str.split(JOIN, regex=False)
    table = table.explode("checkpoint", ignore_index=True)
    check_episodes(table, path, MADE_BY)
    return table


def _sortable(column: pd.Series) -> pd.Series:
    return column if column.name in TEXT_COLUMNS else column.astype(int)
