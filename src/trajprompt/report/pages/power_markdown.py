"""Markdown of a run's power."""

import pandas as pd

from trajprompt.report.numbers.plan import Plan
from trajprompt.report.numbers.power import PER_SUITE
from trajprompt.report.pages.formats import EMPTY, grid, number, suite_label

HEADER = ["suite", "contrast", "seeds", "spread", "δ", "half-width", "half-width / δ"]
HEADER += ["detected, 95 %", "detected, Holm", "the paper's effect"]
HEADER += ["seeds for it, 95 %", "seeds for it, Holm"]


def power_markdown(table: pd.DataFrame, plan: Plan) -> str:
    """Markdown of a `power_table`, with what its columns mean."""
    if table.empty:
        return "A single seed, as here, has no power.\n"
    rows = [_row(row) for _, row in table.iterrows()]
    notes = (
        "*Spread*: standard deviation over seeds of the paired difference. *Half-width*: "
        "of the 95 % interval; one wider than δ cannot show that there is no difference. "
        "*Detected*: the smallest true effect that these seeds show with 80 % probability,"
        " at 95 % confidence or at the strictest level of Holm's procedure, counted from "
        "the edge of the claim (0, or −δ for claims of *at least*). *Seeds*: how many show"
        " the paper's effect with 80 % probability at the spread measured here. The rows "
        f"of *{PER_SUITE}* have the root mean square of all spreads of a suite and δ.\n"
    )
    reasons = [
        [suite_label(suite), number(value, 2), plan.reasons.get(suite, "")]
        for suite, value in plan.deltas.items()
    ]
    reasons += [
        [f"{suite_label(suite)}, {paper}", number(own.value, 2), own.reason]
        for (paper, suite), own in plan.paper_deltas.items()
    ]
    deltas = "δ is the smallest effect of interest, fixed before the run:\n"
    header = ["suite", "δ", "reason"]
    return "\n".join([notes, grid(HEADER, rows, 2), deltas, grid(header, reasons, 1)])


def _row(row: pd.Series) -> list[str]:
    names = ("spread", "delta", "half_width", "half_width_per_delta", "detected")
    cells = [number(row[name], 2) for name in names]
    holm = EMPTY if row["claim"] == PER_SUITE else number(row["detected_holm"], 2)
    effect = number(row.get("paper_effect"), 2)
    needed = [_count(row.get(f"seeds_needed{name}")) for name in ("", "_holm")]
    first = [suite_label(row["suite"]), row["claim"], str(row["seeds"])]
    return [*first, *cells, holm, effect, *needed]


def _count(value: object) -> str:
    return EMPTY if value is None or pd.isna(value) else str(int(float(str(value))))
