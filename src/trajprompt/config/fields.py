"""Types of the configuration's values, with what is expected of them in words."""

import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from trajprompt.config.backbones import KINDS
from trajprompt.report.plots.inputs import READS
from trajprompt.tasks.registry import SUITE_NAMES

EXPECTED = "expected"  # type of an error whose message says what was expected


def expected(text: str) -> PydanticCustomError:
    """The error of a value in whose place ``text`` was expected."""
    return PydanticCustomError(EXPECTED, "{text}", {"text": text})


def matches(pattern: str, description: str) -> Callable[[str], str]:
    """A validator of strings that match the whole ``pattern``."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise expected(description)
        return value

    return check


def one_of(known: Sequence[str]) -> Callable[[str], str]:
    """A validator of strings that are among ``known``."""

    def check(value: str) -> str:
        if value not in known:
            raise expected(f"one of {', '.join(known)}")
        return value

    return check


def distinct(description: str, most: int = 1000) -> Callable[[Any], Any]:
    """A validator of lists of 1 to ``most`` different items; lets other values pass."""

    def check(values: Any) -> Any:
        several = isinstance(values, list)
        if several and (not 1 <= len(values) <= most or len({*values}) != len(values)):
            raise expected(description)
        return values

    return check


def list_or(word: str, description: str) -> Callable[[Any], Any]:
    """A validator of values that are a list or ``word``."""

    def check(value: Any) -> Any:
        if not isinstance(value, list) and value != word:
            raise expected(description)
        return value

    return check


def samples(value: Any) -> Any:
    """Context segments: a number, or all of them."""
    if value != "all" and (type(value) is not int or not 1 <= value <= 100_000):
        raise expected('a number of context segments from 1 to 100000, or "all"')
    return value


def at_most(count: int) -> Callable[[dict], dict]:
    """A validator of mappings that have no more than ``count`` keys."""

    def check(values: dict) -> dict:
        if len(values) > count:
            raise expected(f"at most {count} entries")
        return values

    return check


NAME = "a name of up to 40 lower-case letters, digits and "
SPLIT = "published, or a list of task indices"
REPORT = "all, or a list of at least one name under tables or figures, each once"
Name = Annotated[str, AfterValidator(matches(r"[a-z0-9][a-z0-9-]{0,39}", f"{NAME}hyphens"))]
TableName = Annotated[
    str, AfterValidator(matches(r"[a-z][a-z0-9_]{0,39}", f"{NAME}underscores"))
]
Line = Annotated[
    str,
    AfterValidator(
        matches(r"[^\x00-\x1f|]{1,80}", "1 to 80 characters on one line, without |")
    ),
]
Suite = Annotated[str, AfterValidator(one_of(SUITE_NAMES))]
BackboneKind = Annotated[str, AfterValidator(one_of(KINDS))]
FigureKind = Annotated[str, AfterValidator(one_of(tuple(READS)))]
Suites = Annotated[
    list[Suite], AfterValidator(distinct("a list of at least one suite, each once"))
]
Ids = Annotated[
    list[str],
    AfterValidator(distinct("a list of at least one name under entries, each once")),
]
Panels = Annotated[
    list[str],
    AfterValidator(distinct("a list of 1 to 4 names under entries, each once", 4)),
]
Seeds = Annotated[
    list[Annotated[int, Field(ge=0, le=999_999)]],
    AfterValidator(distinct("a list of 1 to 1000 seeds, each once")),
]
Split = Annotated[
    list[Annotated[int, Field(ge=0)]] | Literal["published"],
    BeforeValidator(list_or("published", SPLIT)),
    AfterValidator(distinct(SPLIT)),
]
Report = Annotated[
    list[str] | Literal["all"],
    BeforeValidator(list_or("all", REPORT)),
    AfterValidator(distinct(REPORT)),
]
Samples = Annotated[
    Any,
    AfterValidator(samples),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"const": "all"}]}),
]
Episodes = Annotated[int, Field(ge=1, le=20_000)]
Steps = Annotated[int, Field(ge=1, le=10_000_000)]
Return = Annotated[float, Field(ge=-1e6, le=1e6)]
