"""Markdown of the values behind the verdicts: ours, the papers', sizes and p-values."""

import pandas as pd

from trajprompt.report.numbers.verdicts import NOT_PRINTED
from trajprompt.report.pages.formats import EMPTY, grid, number, suite_label
from trajprompt.report.read.published import AVERAGE

OURS = (
    "*Ours* is first − second with the interval that decides, at the confidence beside it."
    " *95 %* is the interval without the correction. *Other tasks*: the 95 % interval over"
    " seeds and tasks, for what is said of the suite in general; a suite with one test "
    "task has none. *p* tests the edge of the claimed region: 0, −δ for claims of *at "
    "least* (a shifted test), the nearer of ± δ for claims of equality (two one-sided "
    "tests); *q* is p adjusted within its family. Averages are of normalised returns (0 = "
    "random play, 1 = expert data).\n"
)
THEIRS = (
    "*Ours / paper*: ratio of the differences. *Predicted*: the interval in which the "
    "paper's own repetition with our number of seeds would end, from its printed spreads, "
    "and whether ours does. Both are left out on D4RL suites, whose data are not D4RL's "
    "own. *Budget*: budget of first and second as a share of the paper's, in contexts "
    "through the loss or episodes, or in steps of learning an untuned policy.\n"
)
OUR_HEADER = ["claim", "suite", "ours", "confidence", "verdict", "δ", "95 %", "other tasks"]
OUR_HEADER += ["n", "tasks", "episodes", "p", "q", "family"]
THEIR_HEADER = ["claim", "suite", "paper", "its spread", "does it support the claim?"]
THEIR_HEADER += ["ours / paper", "predicted", "as predicted?", "budget, first", "second"]


def claim_values(table: pd.DataFrame) -> str:
    """Tables of our values, of the tested claims, and of the papers', of all claims."""
    claims = table[table["direction"].notna()].reset_index(drop=True)
    known = (
        claims["difference"].notna() if "difference" in claims else claims["claim"] == ""
    )
    ours = [_ours(row) for _, row in claims[known].iterrows()]
    theirs = [_theirs(row) for _, row in claims.iterrows()]
    parts = [OURS, grid(OUR_HEADER, ours, 2)] if ours else []
    return "\n".join([*parts, THEIRS, grid(THEIR_HEADER, theirs, 2)])


def reasons_table(table: pd.DataFrame) -> str:
    """Table of the rows that are not decided by their interval, with the reason."""
    given = table.reindex(columns=["claim", "suite", "verdict", "reason"])
    given = given[given["reason"].notna()]
    if given.empty:
        return "None.\n"
    rows = [
        [row["claim"], suite_label(row["suite"]), row["verdict"], row["reason"]]
        for _, row in given.iterrows()
    ]
    return grid(["claim", "suite", "verdict", "reason"], rows, 4)


def _ours(row: pd.Series) -> list[str]:
    digits = 3 if row["suite"] == AVERAGE else 1
    shown = f"{number(row['difference'], digits)} {_range(row, 'low', 'high', digits)}"
    confidence = EMPTY if pd.isna(row["low"]) else f"{row['confidence']:.2%}"
    cells = [row["claim"], suite_label(row["suite"]), shown.strip(), confidence]
    cells += [row["verdict"], number(row["delta"], 2)]
    cells += [_range(row, "low_95", "high_95", digits) or EMPTY]
    cells += [_range(row, "tasks_low", "tasks_high", digits) or EMPTY]
    cells += [str(int(row[name])) for name in ("seeds", "tasks", "episodes")]
    cells += [number(row.get(name), 4) for name in ("p", "q")]
    family = row.get("family")
    return [*cells, EMPTY if pd.isna(family) else str(family)]


def _theirs(row: pd.Series) -> list[str]:
    supports = row["published_supports"]
    predicted = _range(row, "predicted_low", "predicted_high") or EMPTY
    inside = row.get("as_predicted")
    return [
        row["claim"],
        suite_label(row["suite"]),
        number(row.get("published_difference")),
        number(row.get("published_spread")),
        EMPTY if supports == NOT_PRINTED else supports,
        number(row.get("ratio"), 2),
        predicted,
        EMPTY if pd.isna(inside) else str(inside),
        *(_share(row.get(f"{side}_share")) for side in ("first", "second")),
    ]


def _range(row: pd.Series, low: str, high: str, digits: int = 1) -> str:
    """``[low, high]``, or nothing without an interval."""
    if pd.isna(row.get(low)):
        return ""
    return f"[{number(row[low], digits)}, {number(row[high], digits)}]"


def _share(value: float | None) -> str:
    return EMPTY if value is None or pd.isna(value) else f"{value:.3g}"
