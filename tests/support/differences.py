"""Sentences about differences in README.md and docs/findings, and the verdicts they rest on.

A sentence that compares returns names its claim as `id` in backticks, or links to a kept
table. If no verdict of its claims is decided on the suites that it names, it says so.
"""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from trajprompt.report.numbers.verdicts import (
    CONTRADICTED,
    NO_DIFFERENCE,
    NO_HEADROOM,
    REPRODUCED,
    TOO_NOISY,
)

DECIDED = {REPRODUCED, CONTRADICTED, NO_DIFFERENCE, NO_HEADROOM}
# Words that compare returns. Sentences about data, costs or episodes use others.
COMPARES = re.compile(
    r"\b(beats?|better|worse|best|outperforms?|improves?|improved|gains?|gained|loses?|lost"
    r"|losses|helps?|hurts?|harms?|exceeds?|surpass(?:es)?|recovers?|matche[sd]|matters?"
    r"|as (?:good|well|much) as|depends? (?:more|less)|(?:higher|lower|larger|smaller) return"
    r"|degrades?|(?:much|far|clearly) (?:more|less)|robust)\b",
    re.IGNORECASE,
)
# The sentence says itself that the run does not decide.
HEDGE = re.compile(
    r"too noisy|cannot be said|does not decide|do not decide|decides? n|not settled|is open"
    r"|not judged|not tested|no test|the paper|papers|asks?\b|question",
    re.IGNORECASE,
)
KEPT = re.compile(r"\]\([^)]*results/reference/[^)]*\)|\]\([^)]*results\.md[^)]*\)")
IDS = re.compile(r"`([a-z0-9]+(?:-[a-z0-9]+)+)`")
NUMBER = r"([+−-]?\d[\d,]*(?:\.\d+)?)"
# "+2.2 [−3.3, 7.7] on cheetah-vel, too noisy", possibly several, then (`claim`)
VALUE = re.compile(
    rf"{NUMBER} \[{NUMBER}, {NUMBER}\] on ([a-z-]+), ([a-z ]+?)(?=[;,.)]| \()"
)
GROUP = re.compile(
    rf"((?:{VALUE.pattern}[;,]? (?:and )?)+)\(`([a-z0-9-]+)`\)".replace(
        "(?=[;,.)]| \\()", ""
    )
)


@dataclass(frozen=True)
class Judged:
    """A row of claims.csv: the verdict, and the difference with its interval."""

    verdict: str
    values: tuple[float, ...]  # difference, low, high; empty if there is none


def read_claims(run: Path) -> dict[tuple[str, str], Judged]:
    """Claims of a kept run by id and suite."""
    with (run / "claims.csv").open() as file:
        return {
            (row["claim"], row["suite"]): Judged(row["verdict"], _values(row))
            for row in csv.DictReader(file)
        }


def _values(row: dict[str, str]) -> tuple[float, ...]:
    found = [row[name] for name in ("difference", "low", "high")]
    return tuple(float(value) for value in found) if all(found) else ()


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


def unsupported(text: str, claims: dict[tuple[str, str], Judged]) -> list[str]:
    """Sentences that compare returns without a claim that carries them.

    A sentence may name its claim in the sentence that follows, if that begins with values.
    """
    found, known = [], {claim for claim, _ in claims}
    all_sentences = sentences(text)
    for sentence, after in zip(all_sentences, [*all_sentences[1:], ""], strict=True):
        if not COMPARES.search(sentence) or KEPT.search(sentence):
            continue
        together = f"{sentence} {after}" if re.match(r"[+−\d]", after) else sentence
        ids = [name for name in IDS.findall(together) if name in known]
        if (not ids and not HEDGE.search(sentence)) or (
            ids and not _decided(together, ids, claims) and not HEDGE.search(together)
        ):
            found.append(sentence)
    return found


def _decided(sentence: str, ids: list[str], claims: dict[tuple[str, str], Judged]) -> bool:
    """Whether each claim named has a decided verdict on a suite that is named, or on any."""
    for name in ids:
        verdicts = {
            suite: row.verdict for (claim, suite), row in claims.items() if claim == name
        }
        named = {suite: found for suite, found in verdicts.items() if suite in sentence}
        if not DECIDED & set((named or verdicts).values()):
            return False
    return True


def number(text: str) -> float:
    return float(text.replace("−", "-").replace(",", ""))


assert TOO_NOISY  # its word is in HEDGE
