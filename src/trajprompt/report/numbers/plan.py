"""The plan of the analysis: smallest effects of interest and primary contrasts.

It is read from ``papers/analysis.yaml``, which is fixed before a run.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from trajprompt.artifacts.atomic import require_file
from trajprompt.errors import TrajpromptError
from trajprompt.report.numbers.claims import Claim, Ledger
from trajprompt.report.read.papers import list_papers
from trajprompt.report.read.tables import read_yaml

PLAN = "analysis.yaml"
KEYS = ("alpha", "deltas", "parts", "primary")
DELTA_KEYS = {"value", "reason"}
PAPERS = "papers"  # optional key of a suite: δ of the claims of some papers
MADE_BY = "git checkout papers/"
REMEDY = "correct it before the run; papers/README.md describes the file"
Contrast = tuple[str, ...]  # paper, suite, direction, first, second, minus: counted once
Family = tuple[str, str, bool]  # part, paper or empty for all, whether of primary contrasts


@dataclass(frozen=True)
class PaperDelta:
    """Smallest effect of interest of the claims of one paper on a suite."""

    value: float  # in units of return
    reason: str


@dataclass(frozen=True)
class Plan:
    """What is fixed before a run."""

    deltas: Mapping[str, float]  # suite -> smallest effect of interest, in units of return
    primary: frozenset[Contrast] = frozenset()
    alpha: float = 0.05  # error rate of a family; 1 − confidence of an interval
    reasons: Mapping[str, str] = field(default_factory=dict)  # of the deltas, by suite
    parts: Mapping[str, str] = field(default_factory=dict)  # suite -> part, if in one
    # (paper, suite) -> δ in place of the suite's
    paper_deltas: Mapping[tuple[str, str], PaperDelta] = field(default_factory=dict)

    def is_primary(self, claim: Claim, suite: str) -> bool:
        """Return whether the contrast of ``claim`` on ``suite`` is a primary one."""
        return contrast(claim, suite) in self.primary

    def family(self, contrast: Contrast) -> Family:
        """Family of contrasts in which the number of them is corrected for.

        A paper's primary contrasts are one, its others another. A part has families of its
        own, and its primary contrasts are one for all papers.
        """
        paper, suite, *_ = contrast
        part, is_primary = self.parts.get(suite, ""), contrast in self.primary
        return part, "" if part and is_primary else paper, is_primary

    def delta(self, claim: Claim, suite: str) -> float:
        """Smallest effect of interest; TrajpromptError if the suite has none."""
        if suite not in self.deltas:
            found = f"found no δ of {suite}, which {claim.id} is about"
            raise TrajpromptError(f"{PLAN}: deltas", found, "one for every suite", REMEDY)
        own = self.paper_deltas.get((claim.paper, suite))
        return own.value if own else self.deltas[suite]


def contrast(claim: Claim, suite: str) -> Contrast:
    """What a claim compares on a suite; claims of a paper may share it."""
    minus = " ".join(claim.minus)
    return claim.paper, suite, claim.direction, claim.first, claim.second, minus


def read_plan(papers: str | Path, ledger: Ledger) -> Plan:
    """Read the plan in ``papers`` and check it against the claims.

    Raises TrajpromptError for unknown keys, papers, claims or suites, for a contrast that
    is listed twice, for a suite in two parts, for a suite without δ that a claim is about,
    and for a δ of a paper without a claim about the suite.
    """
    path = Path(papers) / PLAN
    found = read_yaml(path, MADE_BY)
    if not isinstance(found, dict) or set(found) != set(KEYS):
        text = f"found {list(found) if isinstance(found, dict) else found!r:.60}"
        raise TrajpromptError(path, text, f"the keys {', '.join(KEYS)}", REMEDY)
    alpha, given = found["alpha"], _mapping(path, "deltas", found["deltas"])
    if not isinstance(alpha, float) or not 0 < alpha < 0.5:
        where = f"{path}: alpha"
        raise TrajpromptError(where, f"found {alpha!r:.60}", "a number like 0.05", REMEDY)
    deltas = {s: _delta(f"{path}: deltas.{s}", value) for s, value in given.items()}
    reasons = {suite: str(value["reason"]) for suite, value in given.items()}
    primary: list[Contrast] = []
    for where, claim, suite in _listed(path, found["primary"], papers, ledger):
        if contrast(claim, suite) in primary:
            text = f"found {suite} of {claim.id}, a contrast that is already listed"
            raise TrajpromptError(where, text, "each contrast once", REMEDY)
        primary.append(contrast(claim, suite))
    own = dict(_paper_deltas(path, given, papers, ledger))
    plan = Plan(deltas, frozenset(primary), alpha, reasons, paper_deltas=own)
    for claim in ledger.claims:
        for suite in claim.published:
            plan.delta(claim, suite)
    return replace(plan, parts=_parts(path, found["parts"], deltas))


def plan_record(papers: str | Path) -> dict[str, Any]:
    """Hash (SHA-256) of the plan, its parts and primary contrasts, for a run's record."""
    path = Path(papers) / PLAN
    digest = hashlib.sha256(require_file(path, MADE_BY).read_bytes()).hexdigest()
    found = read_yaml(path, MADE_BY)
    return {"sha256": digest, "parts": found["parts"], "primary": found["primary"]}


def _parts(path: Path, given: object, deltas: Mapping[str, float]) -> dict[str, str]:
    """Part of each suite that is in one."""
    parts: dict[str, str] = {}
    for part, suites in _mapping(path, "parts", given).items():
        where, expected = f"{path}: parts.{part}", "suites with a δ, each in one part"
        if not isinstance(suites, list):
            raise TrajpromptError(where, f"found {suites!r:.60}", expected, REMEDY)
        for suite in suites:
            if suite not in deltas or suite in parts:
                raise TrajpromptError(where, f"found {suite!r:.60}", expected, REMEDY)
            parts[suite] = part
    return parts


def _listed(
    path: Path, given: object, papers: str | Path, ledger: Ledger
) -> Iterator[tuple[str, Claim, str]]:
    """Place in the file, claim and suite of every primary contrast."""
    for key, claims in _mapping(path, "primary", given).items():
        source = _source(f"{path}: primary", key, papers)
        known_claims = {c.id: c for c in ledger.claims if c.paper == source}
        for name, suites in _mapping(path, f"primary.{key}", claims).items():
            where = f"{path}: primary.{key}"
            if name not in known_claims:
                expected = f"the id of a claim in {key}/claims.yaml"
                raise TrajpromptError(where, f"found claim '{name}'", expected, REMEDY)
            claim = known_claims[name]
            where += f".{name}"
            if not isinstance(suites, list):
                found = f"found {suites!r:.60}"
                raise TrajpromptError(where, found, "a list of suites", REMEDY)
            for suite in suites:
                judged = [s for s in claim.published if not claim.reason_not_judged(s)]
                if suite not in judged:
                    expected = f"suites that it is judged on: {', '.join(judged) or 'none'}"
                    raise TrajpromptError(where, f"found suite {suite!r}", expected, REMEDY)
                yield where, claim, suite


def _mapping(path: Path, key: str, given: object) -> dict[str, Any]:
    if not isinstance(given, dict):
        where, found = f"{path}: {key}", f"found {given!r:.60}"
        raise TrajpromptError(where, found, "a mapping", REMEDY)
    return given


def _source(where: str, key: str, papers: str | Path) -> str:
    """Source of the paper in the folder ``key``, by which claims name it."""
    sources = {paper.key: paper.source for paper in list_papers(papers)}
    if key not in sources:
        expected = f"a folder among {', '.join(sources)}"
        raise TrajpromptError(where, f"found '{key}'", expected, REMEDY)
    return sources[key]


def _paper_deltas(
    path: Path, given: Mapping[str, Any], papers: str | Path, ledger: Ledger
) -> Iterator[tuple[tuple[str, str], PaperDelta]]:
    """(paper, suite) and δ of the papers that have one of their own on a suite."""
    for suite, values in given.items():
        key = f"deltas.{suite}.{PAPERS}"
        for name, own in _mapping(path, key, values.get(PAPERS, {})).items():
            where = f"{path}: {key}"
            source = _source(where, name, papers)
            if not any(c.paper == source and suite in c.published for c in ledger.claims):
                expected = f"papers with a claim about {suite}"
                raise TrajpromptError(where, f"found '{name}'", expected, REMEDY)
            value = _delta(f"{where}.{name}", own, ())
            yield (source, suite), PaperDelta(value, str(own["reason"]))


def _delta(where: str, given: object, optional: Sequence[str] = (PAPERS,)) -> float:
    valid = isinstance(given, dict) and set(given) - set(optional) == DELTA_KEYS
    value = given["value"] if valid and isinstance(given, dict) else None
    if not isinstance(value, int | float) or isinstance(value, bool) or value <= 0:
        expected = "value, a number above 0, and reason"
        raise TrajpromptError(where, f"found {given!r:.60}", expected, REMEDY)
    return float(value)
