"""Labels, numbers and tables as text; figures use them too."""

import math
from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal

import pandas as pd

from trajprompt.report.read.published import AVERAGE
from trajprompt.tasks.registry import SUITE_NAMES, get_suite

EMPTY = "–"
OTHER_LABELS = {AVERAGE: "Average"}  # names in tables that are not suites


def suite_label(name: str) -> str:
    """Label of a suite or of another printed name; an unknown name is returned as is."""
    if name in SUITE_NAMES:
        return get_suite(name).label
    return OTHER_LABELS.get(name, name)


def number(value: float | None, digits: int = 1) -> str:
    """Value rounded to ``digits``, halves away from zero; a dash for None and NaN.

    Float noise is rounded off first, so 45.45 from a sum counts as a half.
    """
    if value is None or math.isnan(value):
        return EMPTY
    rounded = Decimal(f"{value:.9f}").quantize(Decimal(10) ** -digits, ROUND_HALF_UP)
    return f"{rounded if rounded else abs(rounded)}"


def ends(scored: bool) -> tuple[str, str]:
    """Headers of the ends of the expert gap; ``scored``: some suites are D4RL's."""
    if scored:
        return "first data, or D4RL's 0", "expert data, or D4RL's 100"
    return "first data", "expert data"


def interval(row: pd.Series) -> str:
    """``mean [low, high]``, or the mean alone if there is no interval."""
    if pd.isna(row.get("low")):
        return number(row["mean"])
    return f"{number(row['mean'])} [{number(row['low'])}, {number(row['high'])}]"


def plus_minus(mean: float | None, spread: float | None) -> str:
    """``mean ± spread``, or the mean alone if there is no spread."""
    if spread is None or math.isnan(spread):
        return number(mean)
    return f"{number(mean)} ± {number(spread)}"


def span(counts: pd.Series) -> str:
    """``10``, or ``1 to 10`` if counts differ; figures use it too."""
    low, high = int(counts.min()), int(counts.max())
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def grid(header: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """Markdown table; the first ``left`` columns are text, the others numbers."""
    rule = [":--" if index < left else "--:" for index in range(len(header))]
    return "\n".join("| " + " | ".join(row) + " |" for row in [header, rule, *rows]) + "\n"
