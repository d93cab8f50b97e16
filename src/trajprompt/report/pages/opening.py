"""Opening of the HTML report: the headline picture, and the findings in words."""

import html
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from trajprompt.report.numbers.findings import statement
from trajprompt.report.numbers.verdicts import count_verdicts
from trajprompt.report.pages.formats import number, suite_label
from trajprompt.report.pages.html import picture

NONE = "<p>This run judges no primary contrast.</p>\n"


def opening(
    rows: pd.DataFrame,
    table: pd.DataFrame,
    names: Mapping[str, str],
    papers: Mapping[str, str],
    drawing: Path,
) -> str:
    """HTML of the picture ``drawing``, a sentence per primary contrast, and the counts.

    ``rows`` are the primary contrasts of ``table``, ``names`` the labels of entries, and
    ``papers`` the names of papers by source.
    """
    parts = [picture(drawing, "primary contrasts: this run beside the papers")]
    parts.append("<h2>Findings</h2>\n" if len(rows) else NONE)
    for source, here in rows.groupby("paper", sort=False):
        parts.append(
            f"<h3>{html.escape(papers.get(str(source), str(source)))}</h3>\n<ul>\n"
        )
        parts += [_item(row, names) for _, row in here.iterrows()]
        parts.append("</ul>\n")
    return "".join([*parts, _counts(table)])


def finding(row: pd.Series, names: Mapping[str, str]) -> str:
    """The contrast of a row, its verdict, its numbers and the paper's, as a sentence."""
    text = f"{statement(row, names, suite_label(str(row['suite'])))}: {row['verdict']}"
    return "; ".join([f"{text}{_ours(row)}", *_papers(row)])


def _item(row: pd.Series, names: Mapping[str, str]) -> str:
    words, verdict = html.escape(finding(row, names)), html.escape(str(row["verdict"]))
    marked = words.replace(f": {verdict}", f": <strong>{verdict}</strong>", 1)
    return f"<li>{marked}</li>\n"


def _ours(row: pd.Series) -> str:
    if pd.isna(row["difference"]):
        return ""
    text = f", {number(row['difference'])}"
    if not pd.isna(row["low"]):
        text += f" [{number(row['low'])}, {number(row['high'])}]"
    return text if pd.isna(row["delta"]) else f"{text}, δ {number(row['delta'])}"


def _papers(row: pd.Series) -> list[str]:
    printed = row["published_difference"]
    return [] if pd.isna(printed) else [f"paper {number(printed)}"]


def _counts(table: pd.DataFrame) -> str:
    counts = count_verdicts(table)[False]
    words = ", ".join(f"{count} {name}" for name, count in counts.items())
    return f"<p>All claims of the papers, suite by suite: {words}.</p>\n"
