"""Primary contrasts of the papers, from the table of verdicts ``claims.csv``."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from trajprompt.report.numbers.cell_table import EXPERT_DATA
from trajprompt.report.read.cells import Entry
from trajprompt.report.read.published import AVERAGE
from trajprompt.report.read.tables import read_table

# Of claims.csv: what every row has, and what the opening of the report needs of it.
COLUMNS = ("claim", "suite", "verdict", "paper", "direction", "first", "second")
NUMBERS = ("difference", "low", "high", "published_difference", "delta")
PRIMARY = "primary"  # column: one of the contrasts frozen before the run
VERBS = {
    "greater": "beats",
    "at-least": "is not worse than",
    "equivalent": "is as good as",
}
GAINS = {"greater": "more than", "at-least": "no less than", "equivalent": "as much as"}
NOT_TUNED = "none"  # the method that does not tune


def read_findings(path: str | Path) -> pd.DataFrame:
    """Rows of the primary contrasts of ``claims.csv``, in its order.

    Raises TrajpromptError if the table lacks a column.
    """
    columns = (*COLUMNS, *NUMBERS, PRIMARY)
    table = read_table(path, "trajprompt report claims", columns, nullable=NUMBERS)
    primary = table[PRIMARY].astype(str).str.lower().isin(["true", "1", "1.0"])
    return table[primary].reset_index(drop=True)


def labels(entries: Mapping[str, Entry]) -> dict[str, str]:
    """Labels of entries in sentences.

    Those of untuned entries say so, if others of their condition are tuned.
    """
    tuned = {entry.condition for entry in entries.values() if entry.method != NOT_TUNED}
    found = {EXPERT_DATA: "the data's expert episodes"}
    for name, entry in entries.items():
        said = entry.condition not in tuned or entry.method != NOT_TUNED
        said = said or "untuned" in entry.label.lower()
        found[name] = entry.label if said else f"{entry.label} (not tuned)"
    return found


def statement(row: pd.Series, names: Mapping[str, str], suite: str) -> str:
    """The contrast of a row as a sentence without its verdict; ``suite`` is a label.

    ``names`` has the labels of entries; without one, the entry's id is shown.
    """
    first, second = (names.get(row[side], row[side]) for side in ("first", "second"))
    minus = row.get("minus")
    if isinstance(minus, str) and minus.split():
        over = [names.get(name, name) for name in minus.split()]
        text = f"{first} gains over {over[0]} {GAINS[row['direction']]}"
        return f"{text} {second} over {over[1]}{_on(row['suite'], suite)}"
    return f"{first} {VERBS[row['direction']]} {second}{_on(row['suite'], suite)}"


def _on(name: object, label: str) -> str:
    return " on average" if name == AVERAGE else f" on {label}"
