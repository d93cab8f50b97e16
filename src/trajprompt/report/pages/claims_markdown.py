"""The verdicts as Markdown: a summary per paper, the figures behind it, contradictions."""

from collections.abc import Mapping

import pandas as pd

from trajprompt.report.numbers.claims import Claim, Contradiction, Ledger, NotCompared
from trajprompt.report.numbers.verdicts import (
    CONTRADICTION,
    NO,
    NOT_PRINTED,
    NOT_TESTED,
    VERDICTS,
    WITHIN_MARGIN,
    count_verdicts,
)
from trajprompt.report.pages.markdown import (
    EMPTY,
    about_intervals,
    grid,
    interval,
    number,
    size,
    suite_label,
)
from trajprompt.report.read.papers import OWN
from trajprompt.report.read.run import Run

MARKS = {NO: " †", WITHIN_MARGIN: " ‡"}  # behind a verdict, see LEGEND
LEGEND = (
    "† The paper's own figures for this suite do not show what it claims: *not reproduced* "
    "may then agree with them. ‡ They show it only within the margin.\n"
)
COUNTED = "Verdicts on the papers' claims, suite by suite:\n"
OWN_LEGEND = (
    "Asked here, not in a paper, and not among the counts above. *Reproduced* means that "
    "it holds in this run, *not reproduced* that the opposite does. Verdicts on these "
    "questions, suite by suite:\n"
)
ELSEWHERE = (
    "*Not judged* here, because they are not about the returns of two entries; beside "
    "each stands the place that shows what this run has to say.\n"
)


def claims_markdown(ledger: Ledger, table: pd.DataFrame, run: Run) -> str:
    """Everything that the ledger holds, paper by paper, with this run's verdicts."""
    counts = count_verdicts(table)
    parts = [_notes(table, run), COUNTED, _counts(counts[False])]
    for paper in dict.fromkeys(claim.paper for claim in ledger.claims):
        claims = [claim for claim in ledger.claims if claim.paper == paper]
        legend = [OWN_LEGEND, _counts(counts[True])] if paper == OWN else [LEGEND]
        parts += [f"## {ledger.names.get(paper, paper)} ({paper})\n", *legend]
        parts += [_summary(claims, table)]
    remarks = _remarks(ledger.not_compared)
    parts += ["## Claims about something else\n", ELSEWHERE, remarks]
    parts += ["## Contradictions\n", _contradictions(ledger.contradictions, table)]
    parts += ["## The figures behind the verdicts\n", _details(table)]
    return "\n".join(parts)


def _notes(table: pd.DataFrame, run: Run) -> str:
    bootstrap = "; brackets hold 95 % bootstrap intervals."
    return (
        f"Run `{run.name}`, {_size(table, run)}. Differences are paired by task "
        f"and seed{about_intervals(run, bootstrap)} *Inconclusive*: "
        "the interval crosses the edge of what is claimed. *Not tested*: this run lacks a "
        "cell for it. *Not judged*: about something else, shown elsewhere. The verdicts "
        "hold at this run's size only, and no correction is made for the number of claims. "
        "Margins are shares of the distance from the first to the expert episodes of this "
        "run's data, as the papers print neither: by some of them a paper's own figures "
        "fail its claim, as † shows.\n"
    )


def _size(table: pd.DataFrame, run: Run) -> str:
    """The run's size in words; the report is not told how long it trained and tuned."""
    judged = table[table["difference"].notna()] if "difference" in table else table[:0]
    words = f"n = {len(run.seeds)} seed(s)" if judged.empty else size(run, judged)
    tasks = [f"{suite_label(s)} {len(run.tasks(s))}" for s in run.suites]
    words += f"; test tasks: {', '.join(tasks)}; the budgets of pretraining and tuning"
    return f"{words} are in `record.json` and on the page *What made it*"


def _counts(counts: Mapping[str, int]) -> str:
    return grid(VERDICTS, [[str(counts[name]) for name in VERDICTS]], 0)


def _summary(claims: list[Claim], table: pd.DataFrame) -> str:
    """Claims downwards, suites across; suites that no claim was tested in are left out.

    Several claims share a note: it stands once below the table, under a number.
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
        own = [(claim.id, suite) for suite in suites]
        found = [verdicts.get(key, "") for key in own]
        cells = [name and name + marks[key] for name, key in zip(found, own, strict=True)]
        if not set(found) - {"", NOT_TESTED}:
            cells = [NOT_TESTED, *[""] * (len(suites) - 1)] if suites else [NOT_TESTED]
        text = f"{claim.statement} ({claim.place})"
        text += f" [{notes.index(claim.note) + 1}]" if claim.note else ""
        rows.append([text, claim.direction, *cells])
    labels = [suite_label(suite) for suite in suites] or ["verdict"]
    header = ["claim", "direction", *labels]
    below = [f"[{place}] {note}\n" for place, note in enumerate(notes, start=1)]
    return "\n".join([grid(header, rows, len(header)), *below])


def _remarks(remarks: list[NotCompared]) -> str:
    rows = [
        [f"{remark.statement} ({remark.paper}, {remark.place})", remark.see]
        for remark in remarks
    ]
    return grid(["claim", "to be seen in"], rows, 2)


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
    return grid(["about", "one", "other", "ours"], rows, 4)


def _details(table: pd.DataFrame) -> str:
    header = ["claim", "suite", "ours: first − second", "margin", "paper", "paper's spread"]
    header += ["does the paper's figure show it?"]
    claims = table[table["direction"].notna()]
    return grid(header, [_detail(row) for _, row in claims.iterrows()], 2)


def _detail(row: pd.Series) -> list[str]:
    ours = row["verdict"]
    if ours != NOT_TESTED:
        bounds = f"[{number(row['low'])}, {number(row['high'])}]"
        ours = f"{number(row['difference'])} {bounds}: {row['verdict']}"
    spread = number(row["published_spread"])
    if row["published_exceeds_spread"] is False:
        spread += ", larger than the difference"
    margin = number(row.get("margin")) if row["direction"] != "greater" else EMPTY
    suite = suite_label(row["suite"])
    printed = number(row["published_difference"])
    supports = row["published_supports"]
    supports = EMPTY if supports == NOT_PRINTED else supports
    return [row["claim"], suite, ours, margin, printed, spread, supports]
