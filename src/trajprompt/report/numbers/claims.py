"""The papers' claims and contradictions, read from ``published/claims.yaml``."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from trajprompt.errors import TrajpromptError
from trajprompt.report.read.tables import read_yaml

DIRECTIONS = ("greater", "at-least", "equivalent")
PRINTED = {"first", "second", "difference", "spread", "exceeds_spread"}
SAYING = {"paper", "place", "says"}


@dataclass(frozen=True)
class Claim:
    """A comparison of two columns, or of two differences of columns."""

    id: str
    paper: str  # that claims it; `papers.OWN`: we do
    place: str
    table: str  # whose figures ``published`` are
    statement: str
    first: str  # a column of the config, or what the data's expert episodes earned
    second: str
    direction: str
    published: dict[str, dict[str, Any] | None]  # suite -> figures; None: none is printed
    margin: float = 0.0  # share of the data's gap from first to expert episodes
    minus: Sequence[str] = ()  # two columns to subtract from first and second
    note: str = ""  # what to know before reading its verdict

    @property
    def sides(self) -> tuple[tuple[str, str | None], tuple[str, str | None]]:
        """(column, column to subtract or None) of both sides."""
        less = tuple(self.minus) or (None, None)
        return (self.first, less[0]), (self.second, less[1])


@dataclass(frozen=True)
class NotCompared:
    """A claim about something else than the returns of two columns."""

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
    column: str = ""
    suite: str = ""


@dataclass(frozen=True)
class Ledger:
    claims: list[Claim]
    not_compared: list[NotCompared]
    contradictions: list[Contradiction]


def read_ledger(path: str | Path) -> Ledger:
    """The lists of a YAML file; unknown keys, directions and repeated ids are errors."""
    found = read_yaml(path, "git checkout published/")
    names = [item.name for item in fields(Ledger)]
    if not isinstance(found, dict) or set(found) != set(names):
        raise TrajpromptError(path, f"{found!r:.80}", f"the lists {', '.join(names)}")
    claims, remarks, contradictions = (_list(path, found, name) for name in names)
    ledger = Ledger(
        [_check_claim(path, _entry(path, Claim, entry)) for entry in claims],
        [_entry(path, NotCompared, entry) for entry in remarks],
        [
            _check_contradiction(path, _entry(path, Contradiction, entry))
            for entry in contradictions
        ],
    )
    ids = [
        *(claim.id for claim in ledger.claims),
        *(remark.id for remark in ledger.not_compared),
        *(found.id for found in ledger.contradictions),
    ]
    if len(set(ids)) != len(ids):
        twice = sorted({name for name in ids if ids.count(name) > 1})
        raise TrajpromptError(path, f"{', '.join(twice)} twice", "each id once")
    return ledger


def _list(path: str | Path, found: Mapping[str, Any], name: str) -> list[Any]:
    if not isinstance(found[name], list):
        raise TrajpromptError(path, f"{name}: {found[name]!r:.60}", "a list")
    return found[name]


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
        raise TrajpromptError(path, f"{claim.id}: minus {claim.minus!r:.60}", "two columns")
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
