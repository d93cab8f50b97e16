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

DIRECTIONS = ("greater", "at-least", "equivalent")
PRINTED = {"first", "second", "difference", "spread", "exceeds_spread"}
SAYING = {"paper", "place", "says"}


@dataclass(frozen=True)
class Claim:
    """A comparison of two entries, or of two differences of entries."""

    id: str
    paper: str  # that claims it; `papers.OWN`: we do
    place: str
    table: str  # whose figures ``published`` are
    statement: str
    first: str  # an entry of the config, or what the data's expert episodes earned
    second: str
    direction: str
    published: dict[str, dict[str, Any] | None]  # suite -> figures; None: none is printed
    margin: float = 0.0  # share of the data's gap from first to expert episodes
    minus: Sequence[str] = ()  # two entries to subtract from first and second
    note: str = ""  # what to know before reading its verdict

    @property
    def sides(self) -> tuple[tuple[str, str | None], tuple[str, str | None]]:
        """(entry, entry to subtract or None) of both sides."""
        less = tuple(self.minus) or (None, None)
        return (self.first, less[0]), (self.second, less[1])


@dataclass(frozen=True)
class NotCompared:
    """A claim about something else than the returns of two entries."""

    id: str
    paper: str
    place: str
    statement: str
    see: str  # what shows it


@dataclass(frozen=True)
class Contradiction:
    """Two printed figures or texts that cannot both be right."""

    id: str
    statement: str
    first: dict[str, str]  # paper, place, says
    second: dict[str, str]
    table: str = ""  # of the cell of ours to be shown beside them
    entry: str = ""
    suite: str = ""


@dataclass(frozen=True)
class Ledger:
    claims: list[Claim] = field(default_factory=list)
    not_compared: list[NotCompared] = field(default_factory=list)
    contradictions: list[Contradiction] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)  # source -> name of the paper


def read_ledger(papers: str | Path) -> Ledger:
    """The claims of all papers' folders, and the contradictions of the file beside them.

    Unknown keys, unknown directions and repeated ids are errors.
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
        twice = sorted({name for name in ids if ids.count(name) > 1})
        raise TrajpromptError(papers, f"{', '.join(twice)} twice", "each id once")
    return ledger


def _add(ledger: Ledger, path: Path, source: str) -> None:
    """Add the lists of one file, whose claims are those of ``source`` if they name none."""
    if not path.is_file():
        return
    found = read_yaml(path, MADE_BY)
    if not isinstance(found, dict) or set(found) - set(LISTS) or not found:
        raise TrajpromptError(path, f"{found!r:.80}", f"lists called {', '.join(LISTS)}")
    for claim in _list(path, found, "claims"):
        given = {"paper": source, **claim} if isinstance(claim, dict) else claim
        ledger.claims.append(_check_claim(path, _entry(path, Claim, given)))
    for remark in _list(path, found, "not_compared"):
        given = {"paper": source, **remark} if isinstance(remark, dict) else remark
        ledger.not_compared.append(_entry(path, NotCompared, given))
    for both in _list(path, found, "contradictions"):
        entry = _entry(path, Contradiction, both)
        ledger.contradictions.append(_check_contradiction(path, entry))


def _list(path: str | Path, found: Mapping[str, Any], name: str) -> list[Any]:
    entries = found.get(name, [])
    if not isinstance(entries, list):
        raise TrajpromptError(path, f"{name}: {entries!r:.60}", "a list")
    return entries


Entry = TypeVar("Entry", Claim, NotCompared, Contradiction)


def _entry(path: str | Path, kind: type[Entry], values: object) -> Entry:
    """An entry with just the keys of ``kind``; what is annotated as text is text."""
    known = {item.name: item for item in fields(kind)}
    required = {name for name, item in known.items() if item.default is MISSING}
    if not isinstance(values, dict):
        raise TrajpromptError(path, f"{values!r:.60}", f"keys {sorted(known)}")
    if required - set(values) or set(values) - set(known):
        found = f"{values.get('id')}: keys {sorted(map(str, values))}"
        raise TrajpromptError(path, found, f"{sorted(known)}")
    for name, value in values.items():
        if known[name].type is str and not isinstance(value, str):
            raise TrajpromptError(path, f"{values.get('id')}: {name} {value!r:.60}", "text")
    return kind(**values)


def _check_claim(path: str | Path, claim: Claim) -> Claim:
    margin = claim.margin if isinstance(claim.margin, int | float) else -1
    if claim.direction not in DIRECTIONS or margin < 0:
        found = f"{claim.id}: direction '{claim.direction}', margin {claim.margin}"
        raise TrajpromptError(path, found, f"one of {DIRECTIONS}, margin >= 0")
    pair = isinstance(claim.minus, list | tuple) and len(claim.minus) in (0, 2)
    if not pair or not all(isinstance(name, str) for name in claim.minus):
        raise TrajpromptError(path, f"{claim.id}: minus {claim.minus!r:.60}", "two entries")
    printed = claim.published
    if not isinstance(printed, dict) or not all(map(_is_printed, printed.values())):
        expected = f"for every suite null or {sorted(PRINTED)}"
        raise TrajpromptError(path, f"{claim.id}: published {printed!r:.80}", expected)
    return claim


def _is_printed(figures: object) -> bool:
    if figures is None:
        return True
    if not isinstance(figures, dict) or set(figures) != PRINTED:
        return False
    return all(
        value is None or isinstance(value, int | float) for value in figures.values()
    )


def _check_contradiction(path: str | Path, found: Contradiction) -> Contradiction:
    for side in (found.first, found.second):
        texts = isinstance(side, dict) and all(isinstance(v, str) for v in side.values())
        if not texts or set(side) != SAYING:
            raise TrajpromptError(path, f"{found.id}: {side!r:.80}", f"{sorted(SAYING)}")
    return found
