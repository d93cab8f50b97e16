"""Markdown of the verdicts: a summary per paper, contradictions, and all values."""

from collections.abc import Mapping

import pandas as pd

from trajprompt.report.numbers.claims import Claim, Contradiction, Ledger, NotCompared
from trajprompt.report.numbers.plan import Plan
from trajprompt.report.numbers.verdicts import (
    CONTRADICTION,
    NO,
    NOT_TESTED,
    VERDICTS,
    WITHIN_DELTA,
    count_verdicts,
)
from trajprompt.report.pages.claim_values import claim_values, reasons_table
from trajprompt.report.pages.formats import EMPTY, grid, interval, suite_label
from trajprompt.report.pages.notes import interval_note, size
from trajprompt.report.read.papers import THIS_REPOSITORY
from trajprompt.report.read.run import Run

MARKS = {NO: " †", WITHIN_DELTA: " ‡"}  # after a verdict, see LEGEND
PRIMARY = " ★"
LEGEND = (
    "★ Primary contrast, fixed before the run. † The paper's printed values for this suite "
    "do not support its claim; *contradicted* may agree with them. ‡ They support it only "
    "within δ.\n"
)
COUNTED = (
    "Verdicts on the papers' claims. A contrast of a suite counts once, however many "
    "claims of a paper lean on it:\n"
)
OUR_LEGEND = (
    "These questions are ours, not from a paper, and not counted above. *Reproduced* means "
    "that the statement is true in this run, *contradicted* that the opposite is. "
    "★ Primary contrast, fixed before the run. Verdicts on these questions, one per "
    "question and suite:\n"
)
ELSEWHERE = (
    "*Not judged* here, because they are not about the returns of two entries. The last "
    "column says where this run shows them.\n"
)
RULE = (
    "δ is the smallest effect of interest of a suite. *Reproduced*: the interval of first "
    "− second is beyond 0 on the claimed side; *contradicted*: beyond 0 on the other; *no "
    "difference*: inside ± δ, which takes precedence. Claims of equality are *reproduced* "
    "inside ± δ and *contradicted* outside, claims of *at least* *reproduced* above −δ and"
    " *contradicted* below. *Too noisy*: none of these. *No headroom*: a gain on an "
    "untuned prompt that already closes 97 % of the gap. *Not at this size*: the method "
    "against which the interval speaks has less than a quarter of the paper's budget, and "
    "its curve still rises, or no curve shows its returns, or it is an offline algorithm "
    "and the verdict would be *contradicted* or *no difference*. *Not tested*: this run "
    "lacks a cell. *Not judged*: with a reason. docs/statistics.md explains the rule. "
    "Verdicts hold at this run's size only.\n"
)


def claims_markdown(ledger: Ledger, table: pd.DataFrame, run: Run, plan: Plan) -> str:
    """Markdown of the ledger by paper, with this run's verdicts."""
    counts = count_verdicts(table)
    parts = [_notes(table, run), RULE, COUNTED, _counts(counts[False])]
    for paper in dict.fromkeys(claim.paper for claim in ledger.claims):
        claims = [claim for claim in ledger.claims if claim.paper == paper]
        ours = paper == THIS_REPOSITORY
        legend = [OUR_LEGEND, _counts(counts[True])] if ours else [LEGEND]
        parts += [f"## {ledger.names.get(paper, paper)} ({paper})\n", *legend]
        parts += [_summary(claims, table, plan)]
    not_compared = _not_compared(ledger.not_compared)
    parts += ["## Claims that are not about returns\n", ELSEWHERE, not_compared]
    parts += ["## Contradictions\n", _contradictions(ledger.contradictions, table)]
    parts += ["## Verdicts with a reason\n", reasons_table(table)]
    parts += ["## Values behind the verdicts\n", claim_values(table)]
    return "\n".join(parts)


def _notes(table: pd.DataFrame, run: Run) -> str:
    brackets = (
        "; intervals are t intervals over seeds, for these test tasks, at the level that "
        "the correction for the number of contrasts leaves."
    )
    return (
        f"Run `{run.name}`, {_size(table, run)}. Differences are paired by task "
        f"and seed{interval_note(run, brackets)}\n"
    )


def _size(table: pd.DataFrame, run: Run) -> str:
    """Size of the run in words; its training and tuning budgets are in the record."""
    judged = table[table["difference"].notna()] if "difference" in table else table[:0]
    words = f"n = {len(run.seeds)} seed(s)" if judged.empty else size(run, judged)
    tasks = [f"{suite_label(s)} {len(run.tasks(s))}" for s in run.suites]
    words += f"; test tasks: {', '.join(tasks)}; the budgets of pretraining and tuning"
    return f"{words} are in `record.json` and on the page *What made it*"


def _counts(counts: Mapping[str, int]) -> str:
    return grid(VERDICTS, [[str(counts[name]) for name in VERDICTS]], 0)


def _summary(claims: list[Claim], table: pd.DataFrame, plan: Plan) -> str:
    """Table with a row per claim and a column per suite in which any claim was tested.

    A note that several claims share is printed once, numbered, below the table.
    """
    keys = list(zip(table["claim"], table["suite"], strict=True))
    verdicts = dict(zip(keys, table["verdict"], strict=True))
    marks = dict(zip(keys, table["published_supports"].map(MARKS).fillna(""), strict=True))
    named = dict.fromkeys(suite for claim in claims for suite in claim.published)
    suites = [
        suite
        for suite in named
        if any(
            verdicts.get((claim.id, suite), NOT_TESTED) != NOT_TESTED for claim in claims
        )
    ]
    notes = list(dict.fromkeys(claim.note for claim in claims if claim.note))
    rows = []
    for claim in claims:
        cells = []
        for suite in suites:
            found = verdicts.get((claim.id, suite), "")
            mark = PRIMARY if found and plan.is_primary(claim, suite) else ""
            cells.append(found and found + mark + marks[claim.id, suite])
        text = f"{claim.statement} ({claim.place})"
        text += f" [{notes.index(claim.note) + 1}]" if claim.note else ""
        rows.append([text, claim.direction, *cells])
    labels = [suite_label(suite) for suite in suites] or ["verdict"]
    header = ["claim", "direction", *labels]
    below = [f"[{place}] {note}\n" for place, note in enumerate(notes, start=1)]
    return "\n".join([grid(header, rows, len(header)), *below])


def _not_compared(claims: list[NotCompared]) -> str:
    rows = [
        [f"{claim.statement} ({claim.paper}, {claim.place})", claim.see] for claim in claims
    ]
    return grid(["claim", "shown in"], rows, 2)


def _contradictions(found: list[Contradiction], table: pd.DataFrame) -> str:
    ours = table[table["verdict"] == CONTRADICTION].set_index("claim")
    rows = []
    for item in found:
        says = [
            f"{side['says']} ({side['paper']}, {side['place']})"
            for side in (item.first, item.second)
        ]
        row = ours.loc[item.id]
        known = "ours" in row and not pd.isna(row["ours"])
        shown = interval(row.rename({"ours": "mean"})) if known else EMPTY
        rows.append([item.statement, *says, shown])
    return grid(["about", "first", "second", "ours"], rows, 4)
