"""Sentences about differences in README.md and docs/findings, and their verdicts.

A sentence that compares returns names its claim in backticks, or begins with a link to a
kept table. If none of its claims is decided on the suites that it names, it says so.
"""

import csv
import re
from collections.abc import Mapping
from pathlib import Path

from trajprompt.report.numbers.verdicts import (
    CONTRADICTED,
    NO_DIFFERENCE,
    NO_HEADROOM,
    REPRODUCED,
)

DECIDED = {REPRODUCED, CONTRADICTED, NO_DIFFERENCE, NO_HEADROOM}
# Words that compare returns.
COMPARES = re.compile(
    r"\b(beats?|better|worse|best|outperforms?|improves?|improved|gains?|gained|loses?|lost"
    r"|losses|helps?|hurts?|harms?|exceeds?|surpass(?:es)?|recovers?|matche[sd]|matters?"
    r"|as (?:good|well|much) as|depends? (?:more|less)"
    r"|(?:higher|lower|larger|smaller) return|degrades?"
    r"|(?:much|far|clearly) (?:more|less)|most of|robust)\b",
    re.IGNORECASE,
)
# What a sentence says of itself if the run does not decide it, or if it is the papers'.
HEDGE = re.compile(
    r"too noisy|does not decide|do not decide|undecided|not judged|not tested"
    r"|the papers? (?:prints?|claims?|says?)|claims? of the papers?|the papers' claims?",
    re.IGNORECASE,
)
KEPT = re.compile(r"^\W*\[[^\]]*\]\([^)]*(?:results/reference/|results\.md)[^)]*\)")
IDS = re.compile(r"`([a-z0-9]+(?:-[a-z0-9]+)+)`")
ROW = re.compile(r"^\|.*\|$")

Verdicts = Mapping[tuple[str, str], str]  # by claim and suite


def read_verdicts(run: Path) -> dict[tuple[str, str], str]:
    """Verdicts of a kept run."""
    with (run / "claims.csv").open() as file:
        rows = list(csv.DictReader(file))
    return {(row["claim"], row["suite"]): row["verdict"] for row in rows}


def sentences(text: str) -> list[str]:
    """Sentences of a Markdown text, without code blocks, tables and headings."""
    text = re.sub(r"```.*?```", "", text, flags=re.S)
    blocks = re.split(r"\n\s*\n|\n(?=\s*[-*] )", text)
    prose = [
        " ".join(block.split())
        for block in blocks
        if not block.lstrip().startswith(("#", "|", "!", "<"))
    ]
    found = [re.split(r"(?<=[.!?:])\s+(?=[A-Z*`\[(−+\d])", block) for block in prose]
    return [sentence for block in found for sentence in block if sentence]


def unsupported(text: str, verdicts: Verdicts) -> list[str]:
    """Sentences that compare returns without a verdict that carries them.

    The claim of a sentence may be in the next one, if that begins with values.
    """
    found, known = [], {claim for claim, _ in verdicts}
    all_sentences = sentences(text)
    for sentence, after in zip(all_sentences, [*all_sentences[1:], ""], strict=True):
        compares = COMPARES.search(IDS.sub("", sentence))
        if not compares or KEPT.search(sentence):
            continue
        together = f"{sentence} {after}" if re.match(r"[+−\d]", after) else sentence
        claims = [name for name in IDS.findall(together) if name in known]
        decided = bool(claims) and _decided(together, claims, verdicts)
        if not decided and not HEDGE.search(together):
            found.append(sentence)
    return found


def undecided_rows(text: str, verdicts: Verdicts) -> list[str]:
    """Rows of tables with a claim's id whose verdict is neither decided nor in the row."""
    found = []
    for line in filter(ROW.match, text.splitlines()):
        for (claim, suite), verdict in verdicts.items():
            named = f"`{claim}`" in line and f"| {suite} |" in line
            if named and verdict not in DECIDED and verdict not in line:
                found.append(line)
    return found


def _decided(text: str, claims: list[str], verdicts: Verdicts) -> bool:
    """Whether each claim is decided on a suite that is named, or on any if none is."""
    for name in claims:
        of_claim = {
            suite: kind for (claim, suite), kind in verdicts.items() if claim == name
        }
        named = {suite: kind for suite, kind in of_claim.items() if suite in text}
        if not DECIDED & set((named or of_claim).values()):
            return False
    return True
