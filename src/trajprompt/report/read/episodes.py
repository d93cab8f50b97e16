"""All evaluation episodes of a run as one compressed table.

The columns are those of an evaluation. An episode that several checkpoints of a cell share
is one row, whose checkpoint joins their names: ``best+curve+last``.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from trajprompt.report.read.cells import check_episodes
from trajprompt.report.read.tables import read_table
from trajprompt.rollout.columns import (
    COUNT_COLUMNS,
    EVALUATION_COLUMNS,
    TEXT_COLUMNS,
)

EPISODES_FILE = "episodes.csv.gz"  # in the folder of a report
MADE_BY = "trajprompt report episodes"
JOIN = "+"
CELL = ["suite", "condition", "method", "seed", "task", "prompt"]


def joined_episodes(paths: Sequence[str | Path]) -> pd.DataFrame:
    """Episodes of the evaluations at ``paths``, sorted; numbers keep their digits."""
    options: dict[str, Any] = {"dtype": str, "keep_default_na": False}
    tables = [read_table(p, "trajprompt evaluate", EVALUATION_COLUMNS, **options) for p in paths]
    found = pd.concat(tables, ignore_index=True)[list(EVALUATION_COLUMNS)]
    shared = [name for name in EVALUATION_COLUMNS if name != "checkpoint"]
    joined = found.groupby(shared, sort=False)["checkpoint"].agg(_names).reset_index()
    order = [*CELL, "episode", "iteration", "checkpoint"]
    joined = joined.sort_values(order, key=_sortable, kind="stable", ignore_index=True)
    return joined[list(EVALUATION_COLUMNS)]


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


def _names(checkpoints: pd.Series) -> str:
    return JOIN.join(sorted(set(checkpoints)))


def _sortable(column: pd.Series) -> pd.Series:
    return column if column.name in TEXT_COLUMNS else column.astype(int)
