"""The papers' claims, and what this run says to each."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd

from trajprompt.errors import TrajpromptError
from trajprompt.report.markdown import FEW_SEEDS, SUITE_LABELS, grid, number
from trajprompt.report.published import AVERAGE
from trajprompt.report.reading import read_yaml
from trajprompt.report.run import Run
from trajprompt.report.statistics import Estimate, paired_difference

DIRECTIONS = ("greater", "at-least", "equivalent")
REPRODUCED = "reproduced"
NOT_REPRODUCED = "not reproduced"
INCONCLUSIVE = "inconclusive"
NOT_TESTED = "not tested"
PRINTED = {"first", "second", "difference", "spread", "exceeds_spread"}


@dataclass(frozen=True)
class Claim:
    """A paper's comparison of two table columns; see ``published/claims.yaml``."""

    id: str
    paper: str
    place: str
    statement: str
    first: str
    second: str
    direction: str
    published: dict[str, dict[str, Any]]  # suite -> first, second, difference, spread, …
    margin: float = 0.0  # share of the data's gap from first to expert episodes


def read_claims(path: str | Path) -> list[Claim]:
    """The claims of a YAML file; unknown keys, directions and repeated ids are errors."""
    entries = read_yaml(path, "git checkout published/")
    if not isinstance(entries, list) or not entries:
        raise TrajpromptError(path, f"a {type(entries).__name__}", "a list of claims")
    claims = [_claim(path, entry) for entry in entries]
    ids = [claim.id for claim in claims]
    if len(set(ids)) != len(ids):
        raise TrajpromptError(path, f"ids {ids}", "each id once")
    return claims


def verdict(direction: str, low: float, high: float, margin: float = 0.0) -> str:
    """The verdict on ``direction`` from the 95 % interval of first − second.

    The claimed region is (0, ∞), (−margin, ∞) or (−margin, margin). An interval inside it
    reproduces the claim, one outside refutes it, and one across its edge decides nothing;
    nor does NaN, the interval of a single seed.
    """
    if direction not in DIRECTIONS:
        raise TrajpromptError("claim", f"direction '{direction}'", f"one of {DIRECTIONS}")
    lower = 0.0 if direction == "greater" else -margin
    upper = margin if direction == "equivalent" else float("inf")
    if lower < low and high < upper:
        return REPRODUCED
    if high < lower or low > upper:
        return NOT_REPRODUCED
    return INCONCLUSIVE


def judge(claims: Sequence[Claim], run: Run) -> pd.DataFrame:
    """One row per claim and suite: difference with interval, published figures, verdict."""
    return pd.DataFrame(
        [_judge_suite(claim, suite, run) for claim in claims for suite in claim.published]
    )


def _judge_suite(claim: Claim, suite: str, run: Run) -> dict[str, Any]:
    printed = claim.published[suite]
    row: dict[str, Any] = {"claim": claim.id, "suite": suite, "verdict": NOT_TESTED}
    row |= {"direction": claim.direction, "first": claim.first, "second": claim.second}
    found = _difference(claim, suite, run)
    if found is not None:
        margin = claim.margin * _gap(claim, suite, run) if claim.margin else 0.0
        row["verdict"] = verdict(claim.direction, found.low, found.high, margin)
        row |= {"difference": found.mean, "low": found.low, "high": found.high}
        row |= {"margin": margin, "seeds": found.seeds, "tasks": found.tasks}
        row |= {"run": run.name}
    row |= {f"published_{name}": value for name, value in printed.items()}
    return row | {"paper": claim.paper, "place": claim.place}


def _difference(claim: Claim, suite: str, run: Run) -> Estimate | None:
    """The paired difference, or None if this run lacks a column or a suite of the claim."""
    columns = [run.column(claim.first), run.column(claim.second)]
    suites = _suites(claim, suite, run)
    for column in columns:
        if column is None or not all(s in run.suites and column.covers(s) for s in suites):
            return None
    scores = [run.scores(column) for column in columns if column is not None]
    first, second = ([found[s].values for s in suites] for found in scores)
    return paired_difference(first, second, run.stream("claim", claim.id, suite))


def _gap(claim: Claim, suite: str, run: Run) -> float:
    """How far the data's expert episodes are from its first: margins are shares of it."""
    suites = _suites(claim, suite, run)
    return sum(run.teacher(s).gap for s in suites) / len(suites)


def _suites(claim: Claim, suite: str, run: Run) -> list[str]:
    """The suites behind a row: for the average, all that the paper averages."""
    return run.published.suites(claim.first) if suite == AVERAGE else [suite]


def _claim(path: str | Path, entry: object) -> Claim:
    known = {item.name for item in fields(Claim)}
    if not isinstance(entry, dict):
        raise TrajpromptError(path, f"a claim {entry!r:.60}", f"keys {sorted(known)}")
    if known - {"margin"} - set(entry) or set(entry) - known:
        found = f"a claim with keys {sorted(map(str, entry))}"
        raise TrajpromptError(path, found, f"{sorted(known)}")
    claim = Claim(**entry)
    texts = (claim.id, claim.paper, claim.place, claim.statement, claim.first, claim.second)
    if not all(isinstance(text, str) for text in texts):
        raise TrajpromptError(path, f"a claim {texts!r:.80}", "texts but for the figures")
    margin = claim.margin if isinstance(claim.margin, int | float) else -1
    if claim.direction not in DIRECTIONS or margin < 0:
        found = f"{claim.id}: direction '{claim.direction}', margin {claim.margin}"
        raise TrajpromptError(path, found, f"one of {DIRECTIONS}, margin >= 0")
    printed = claim.published
    if not isinstance(printed, dict) or not all(map(_is_printed, printed.values())):
        expected = f"for every suite {sorted(PRINTED)}"
        raise TrajpromptError(path, f"{claim.id}: published {printed!r:.80}", expected)
    return claim


def _is_printed(figures: object) -> bool:
    if not isinstance(figures, dict) or set(figures) != PRINTED:
        return False
    return all(
        value is None or isinstance(value, int | float) for value in figures.values()
    )


def claims_markdown(claims: Sequence[Claim], table: pd.DataFrame, run: Run) -> str:
    """A table of verdicts per claim and suite, and the figures behind each."""
    suites = list(dict.fromkeys(table["suite"]))
    verdicts = table.set_index(["claim", "suite"])["verdict"]
    summary = [
        [f"{claim.statement} ({claim.paper}, {claim.place})", claim.direction]
        + [str(verdicts.get((claim.id, suite), "")) for suite in suites]
        for claim in claims
    ]
    header = ["claim", "direction", *(SUITE_LABELS.get(suite, suite) for suite in suites)]
    detail = [_detail(row) for _, row in table.iterrows()]
    columns = [
        "claim",
        "suite",
        "ours: first − second",
        "margin",
        "paper",
        "paper's spread",
    ]
    notes = (
        f"Run `{run.name}` with {len(run.seeds)} seed(s). Differences are paired by task "
        f"and seed; brackets hold 95 % bootstrap intervals. {FEW_SEEDS} *Inconclusive*: "
        "the interval crosses the edge of what is claimed. The verdicts hold at this run's "
        "size only, and no correction is made for the number of claims. Margins are shares "
        "of the distance from the first to the expert episodes of the data."
    )
    return f"{notes}\n\n{grid(header, summary, len(header))}\n{grid(columns, detail, 2)}"


def _detail(row: pd.Series) -> list[str]:
    ours = row["verdict"]
    if ours != NOT_TESTED:
        bounds = f"[{number(row['low'])}, {number(row['high'])}]"
        ours = f"{number(row['difference'])} {bounds}: {row['verdict']}"
    printed = number(row["published_difference"])
    spread = number(row["published_spread"])
    if row["published_exceeds_spread"] is False:
        spread += ", larger than the difference"
    margin = number(row.get("margin")) if row["direction"] != "greater" else "–"
    return [
        row["claim"],
        SUITE_LABELS.get(row["suite"], row["suite"]),
        ours,
        margin,
        printed,
        spread,
    ]
