"""Markdown of the headroom, and of returns from equal and from varied starts."""

import pandas as pd

from trajprompt.report.numbers.printed import has_scores
from trajprompt.report.pages.formats import ends, grid, number, suite_label
from trajprompt.report.read.run import Run

NOTES = """Run `{run}`: mean returns over test tasks and seeds. *Gap closed*: share of the
gap from the first to the expert episodes of the data. *Headroom*: the return that the
untuned prompt lacks to the expert data; below 0, it is better than the data. Where little
is left, a gain by tuning cannot be seen.
"""
SCORES = """On D4RL suites returns are scores, and the gap is from D4RL's 0, its random
policy, to D4RL's 100, its expert. Neither is of this run's data.
"""
STARTS_NOTES = """All resets of these suites are equal: a method that searches by playing is
tuned on the very episode on which it is evaluated. *Varied* starts differ from it by up to
1 cm of the hand along each axis. They are equal for all methods, and no method was tuned on
them. Gains are over the untuned prompt of the same condition, from the same starts. Other
tables show equal starts.
"""
NO_STARTS = "This run has no evaluation from varied starts (`evaluate.varied_starts`).\n"


def headroom_markdown(table: pd.DataFrame, starts: pd.DataFrame, run: Run) -> str:
    """Markdown of a `headroom_table` and a `starts_table`."""
    scored = any(has_scores(str(suite)) for suite in table["suite"])
    first, expert = ends(scored)
    header = ["suite", "untuned entry", "random play", first, "untuned", expert]
    header += ["gap closed, %", "headroom"]
    rows = [
        [suite_label(str(row["suite"])), str(row["label"])]
        + [number(row[name]) for name in ("random", "first", "untuned", "expert")]
        + [number(100 * row["gap_closed"], 0), number(row["headroom"])]
        for _, row in table.iterrows()
    ]
    parts = ["# Headroom: what tuning could gain\n", NOTES.format(run=run.name)]
    parts += [SCORES] if scored else []
    parts += [grid(header, rows, 2), "## Equal and varied starts\n"]
    parts += [NO_STARTS] if starts.empty else [STARTS_NOTES, _starts_grid(starts)]
    return "\n".join(parts)


def _starts_grid(starts: pd.DataFrame) -> str:
    header = ["suite", "entry", "equal starts", "varied starts", "gain, equal"]
    header += ["gain, varied", "seeds", "varied episodes per task"]
    rows = [
        [suite_label(str(row["suite"])), str(row["label"])]
        + [number(row[n]) for n in ("equal", "varied", "equal_gain", "varied_gain")]
        + [str(row["seeds"]), str(row["episodes"])]
        for _, row in starts.iterrows()
    ]
    return grid(header, rows, 2)
