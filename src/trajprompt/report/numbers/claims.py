"""The papers' claims and contradictions, read from ``papers/``."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from trajprompt.errors import TrajpromptError
from trajprompt.report.read.papers import list_papers
from trajprompt.report.read.tables import read_yaml

CLAIMS, CONTRADICTIONS = "claims.yaml", "contradictions.yaml"
LISTS = ("claims", "not_compared", "contradictions")
MADE_BY = "git checkout papers/"
REMEDY = "correct the entry; docs/add-a-paper.md has complete ones"

DIRECTIONS = ("greater", "at-least", "equivalent")
PUBLISHED_KEYS = {"first", "second", "difference", "spread", "exceeds_spread"}
QUOTE_KEYS = {"paper", "place", "says"}


@dataclass(frozen=True)
class Claim:
    """A comparison of two entries, or of two differences of entries."""

    id: str
    paper: str  # source of the claim; `papers.THIS_REPOSITORY` for our own
    place: str
    table: str  # table that prints ``published``
    statement: str
    first: str  # an entry of the config, or `cell_table.EXPERT_DATA`
    second: str
    direction: str
    published: dict[str, dict[str, Any] | None]  # suite -> values; None: not printed
    minus: Sequence[str] = ()  # two entries, subtracted from first and second
    note: str = ""  # caveat of the verdict
    # Reason why it is not judged, for all suites or by suite; its difference is shown.
    not_judged: str | Mapping[str, str] = ""

    @property
    def sides(self) -> tuple[tuple[str, str | None], tuple[str, str | None]]:
        """Both sides, each an entry and the entry to subtract or None."""
        minus = tuple(self.minus) or (None, None)
        return (self.first, minus[0]), (self.second, minus[1])

    def reason_not_judged(self, suite: str) -> str:
        """Reason why the claim is not judged on ``suite``; empty if it is judged."""
        if isinstance(self.not_judged, str):
            return self.not_judged
        return self.not_judged.get(suite, "")


@dataclass(frozen=True)
class NotCompared:
    """A claim that is not about the returns of two entries."""

    id: str
    paper: str
    place: str
    statement: str
    see: str  # where it is shown


@dataclass(frozen=True)
class Contradiction:
    """Two printed values or texts that cannot both be right."""

    id: str
    statement: str
    first: dict[str, str]  # paper, place, says
    second: dict[str, str]
    table: str = ""  # table, entry and suite of our cell that is shown beside them
    entry: str = ""
    suite: str = ""


@dataclass(frozen=True)
class Ledger:
    """Claims and contradictions of all papers."""

    claims: list[Claim] = field(default_factory=list)
    not_compared: list[NotCompared] = field(default_factory=list)
    contradictions: list[Contradiction] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)  # source -> name of the paper


def read_ledger(papers: str | Path) -> Ledger:
    """Read the claims in all folders of ``papers``, and its contradictions.

    Raises TrajpromptError for unknown keys, unknown directions and repeated ids.
    """
    ledger = Ledger()
    for paper in list_papers(papers):
        ledger.names[paper.source] = paper.name
        _add(ledger, paper.folder / CLAIMS, paper.source)
    _add(ledger, Path(papers) / CONTRADICTIONS, "")
    ids = [
        entry.id
        for entries in (ledger.claims, ledger.not_compared, ledger.contradictions)
        for entry in entries
    ]
    if len(set(ids)) != len(ids):
        repeated = sorted({name for name in ids if ids.count(name) > 1})
        found = f"found repeated ids {', '.join(repeated)}"
        raise TrajpromptError(papers, found, "each id once in all papers", REMEDY)
    return ledger


def _add(ledger: Ledger, path: Path, source: str) -> None:
    """Add the lists of one file; ``source`` is the paper of claims that name none."""
    if not path.is_file():
        return
    found = read_yaml(path, MADE_BY)
    if not isinstance(found, dict) or set(found) - set(LISTS) or not found:
        expected = f"only lists named {', '.join(LISTS)}"
        raise TrajpromptError(path, f"found {found!r:.80}", expected, REMEDY)
    for claim in _list(path, found, "claims"):
        given = {"paper": source, **claim} if isinstance(claim, dict) else claim
        ledger.claims.append(_check_claim(path, _entry(path, Claim, given)))
    for claim in _list(path, found, "not_compared"):
        given = {"paper": source, **claim} if isinstance(claim, dict) else claim
        ledger.not_compared.append(_entry(path, NotCompared, given))
    for contradiction in _list(path, found, "contradictions"):
        entry = _entry(path, Contradiction, contradiction)
        ledger.contradictions.append(_check_contradiction(path, entry))


def _list(path: str | Path, found: Mapping[str, Any], name: str) -> list[Any]:
    entries = found.get(name, [])
    if not isinstance(entries, list):
        raise TrajpromptError(f"{path}: {name}", f"found {entries!r:.60}", "a list", REMEDY)
    return entries


Entry = TypeVar("Entry", Claim, NotCompared, Contradiction)


def _entry(path: str | Path, kind: type[Entry], values: object) -> Entry:
    """Build a ``kind`` from ``values``; check its keys and the type of its text fields."""
    known = {item.name: item for item in fields(kind)}
    required = {name for name, item in known.items() if item.default is MISSING}
    if not isinstance(values, dict):
        expected = f"an entry with keys among {', '.join(sorted(known))}"
        raise TrajpromptError(path, f"found {values!r:.60}", expected, REMEDY)
    if required - set(values) or set(values) - set(known):
        where, found = f"{path}: {values.get('id')}", ", ".join(sorted(map(str, values)))
        expected = f"keys {', '.join(sorted(required))}"
        optional = sorted(set(known) - required)
        if optional:
            expected += f" and optionally {', '.join(optional)}"
        raise TrajpromptError(where, f"found keys {found}", expected, REMEDY)
    for name, value in values.items():
        if known[name].type is str and not isinstance(value, str):
            where, found = f"{path}: {values.get('id')}: {name}", f"found {value!r:.60}"
            raise TrajpromptError(where, found, "text", REMEDY)
    return kind(**values)


def _check_claim(path: str | Path, claim: Claim) -> Claim:
    if claim.direction not in DIRECTIONS:
        where, found = f"{path}: {claim.id}: direction", f"found '{claim.direction}'"
        raise TrajpromptError(where, found, f"one of {', '.join(DIRECTIONS)}", REMEDY)
    pair = isinstance(claim.minus, list | tuple) and len(claim.minus) in (0, 2)
    if not pair or not all(isinstance(name, str) for name in claim.minus):
        where, found = f"{path}: {claim.id}: minus", f"found {claim.minus!r:.60}"
        raise TrajpromptError(where, found, "a list of two entries, or none", REMEDY)
    printed = claim.published
    if not isinstance(printed, dict) or not all(map(_is_printed, printed.values())):
        keys = ", ".join(sorted(PUBLISHED_KEYS))
        expected = f"for each suite null, or numbers with the keys {keys}"
        where, found = f"{path}: {claim.id}: published", f"found {printed!r:.80}"
        raise TrajpromptError(where, found, expected, REMEDY)
    if not _is_reason(claim):
        where, found = f"{path}: {claim.id}: not_judged", f"found {claim.not_judged!r:.80}"
        expected = f"a reason, or one for some of the suites {', '.join(printed)}"
        raise TrajpromptError(where, found, expected, REMEDY)
    return claim


def _is_reason(claim: Claim) -> bool:
    """Whether ``not_judged`` is a text, or texts by suite; the default is empty."""
    given = claim.not_judged
    if not isinstance(given, dict):
        return isinstance(given, str)
    return set(given) <= set(claim.published) and all(
        isinstance(reason, str) and reason for reason in given.values()
    )


def _is_printed(figures: object) -> bool:
    if figures is None:
        return True
    if not isinstance(figures, dict) or set(figures) != PUBLISHED_KEYS:
        return False
    return all(
        value is None or isinstance(value, int | float) for value in figures.values()
    )


def _check_contradiction(path: str | Path, found: Contradiction) -> Contradiction:
    for side in (found.first, found.second):
        texts = isinstance(side, dict) and all(isinstance(v, str) for v in side.values())
        if not texts or set(side) != QUOTE_KEYS:
            expected = f"text for the keys {', '.join(sorted(QUOTE_KEYS))}"
            where, text = f"{path}: {found.id}", f"found {side!r:.80}"
            raise TrajpromptError(where, text, expected, REMEDY)
    return found
