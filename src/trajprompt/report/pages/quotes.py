"""Values of claims that a page quotes, kept equal to those of a run.

A quote is a difference with its interval, the suite and the verdict; a claim's id follows
one or several quotes:

    +12.8 [3.9, 18.5] on cheetah-vel, reproduced; +23.0 [16.7, 26.8] on reach, too noisy
    (`ptdt-online-helps`)
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from trajprompt.errors import TrajpromptError
from trajprompt.report.read.tables import read_table

NUMBER = r"[+−]?\d+(?:\.\d+)?"
VALUES = rf"{NUMBER}\s+\[{NUMBER},\s+{NUMBER}\]"
SUITE, VERDICT = r"(?P<suite>[a-z0-9-]+)", r"(?P<verdict>[a-z]+(?:\s+[a-z]+)*)"
CLAIM = r"`(?P<claim>[a-z0-9-]+)`"
QUOTE = rf"{VALUES}\s+on\s+{SUITE},\s+{VERDICT}"
_PLAIN = re.sub(r"\?P<\w+>", "?:", QUOTE)
_QUOTES = rf"(?P<quotes>{_PLAIN}(?:;\s+(?:and\s+)?{_PLAIN})*)"
GROUP = re.compile(rf"{_QUOTES}\s+\({CLAIM}\)")
ROW = re.compile(rf"\| {SUITE} \| {VALUES} \| {VERDICT} \| {CLAIM} \|")

Claims = Mapping[tuple[str, str], "Judged"]  # by claim and suite


@dataclass(frozen=True)
class Judged:
    """A row of claims.csv that has a difference."""

    verdict: str
    difference: float
    low: float
    high: float

    @property
    def text(self) -> str:
        """Difference and interval, e.g. ``+12.8 [3.9, 18.5]``."""
        decimals = 0 if abs(self.difference) >= 100 else 1
        signed, *bounds = (
            f"{value:{sign}.{decimals}f}".replace("-", "−")
            for value, sign in ((self.difference, "+"), (self.low, ""), (self.high, ""))
        )
        return f"{signed} [{', '.join(bounds)}]"


def read_judged(path: Path) -> dict[tuple[str, str], Judged]:
    """The claims with a difference of a claims.csv; TrajpromptError if it is damaged."""
    names = ["claim", "suite", *Judged.__dataclass_fields__]
    return judged(read_table(path, "snakemake", names))


def judged(table: pd.DataFrame) -> dict[tuple[str, str], Judged]:
    """Rows of a claims table that have a difference, by claim and suite."""
    found = table.dropna(subset=["difference"])
    columns = [found[name] for name in ("claim", "suite", *Judged.__dataclass_fields__)]
    return {
        (claim, suite): Judged(verdict, *map(float, numbers))
        for claim, suite, verdict, *numbers in zip(*columns, strict=True)
    }


def with_current_quotes(text: str, claims: Claims, where: str) -> str:
    """``text`` with every quote's values and verdict replaced by those of ``claims``.

    Line breaks stay where they are. Raises TrajpromptError at ``where`` if a claim has no
    difference on the suite.
    """

    def group(match: re.Match[str]) -> str:
        claim = match["claim"]
        quotes = re.sub(QUOTE, lambda quote: _quote(quote, claim), match["quotes"])
        return quotes + match[0][len(match["quotes"]) :]

    def row(match: re.Match[str]) -> str:
        found = _find(match["claim"], match["suite"])
        cells = (match["suite"], found.text, found.verdict, f"`{match['claim']}`")
        return f"| {' | '.join(cells)} |"

    def _quote(match: re.Match[str], claim: str) -> str:
        found = _find(claim, match["suite"])
        made = f"{found.text} on {match['suite']}, {found.verdict}"
        breaks = iter(re.findall(r"\s+", match[0]))
        return re.sub(" ", lambda space: next(breaks, " "), made)

    def _find(claim: str, suite: str) -> Judged:
        if (claim, suite) not in claims:
            found = f"found a quote of {claim} on {suite}"
            expected = "a claim that the run has tested on that suite"
            raise TrajpromptError(where, found, expected, "correct the quote, or remove it")
        return claims[claim, suite]

    return ROW.sub(row, GROUP.sub(group, text))
