"""Types of the configuration's values, with descriptions of the allowed values."""

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from trajprompt.collect.options import KINDS as ALGORITHMS
from trajprompt.collect.options import TEACHERS
from trajprompt.report.plots.inputs import READS
from trajprompt.settings.kinds import LEARNED_KINDS, TRANSFORMERS
from trajprompt.tasks.d4rl import ENVIRONMENTS
from trajprompt.tasks.registry import SUITE_NAMES

EXPECTED = "expected"  # type of the errors whose message is the expected value


def expected(text: str) -> PydanticCustomError:
    """Error of a value where ``text`` was expected."""
    return PydanticCustomError(EXPECTED, "{text}", {"text": text})


def matches(pattern: str, description: str) -> Callable[[str], str]:
    """Validator of strings that match all of ``pattern``."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise expected(description)
        return value

    return check


def one_of(known: Sequence[str]) -> Callable[[str], str]:
    """Validator of strings that are in ``known``."""

    def check(value: str) -> str:
        if value not in known:
            raise expected(f"one of {', '.join(known)}")
        return value

    return check


def distinct(description: str, most: int = 1000) -> Callable[[Any], Any]:
    """Validator of lists of 1 to ``most`` different items; accepts any other type."""

    def check(values: Any) -> Any:
        is_list = isinstance(values, list)
        if is_list and (not 1 <= len(values) <= most or len({*values}) != len(values)):
            raise expected(description)
        return values

    return check


def list_or(word: str, description: str) -> Callable[[Any], Any]:
    """Validator of values that are a list or ``word``."""

    def check(value: Any) -> Any:
        if not isinstance(value, list) and value != word:
            raise expected(description)
        return value

    return check


def samples(value: Any) -> Any:
    """Validate a number of context segments, or "all"."""
    if value != "all" and (type(value) is not int or not 1 <= value <= 100_000):
        raise expected('a number of context segments from 1 to 100000, or "all"')
    return value


def ascending(values: list[float]) -> list[float]:
    """Validate two numbers, the lower one first."""
    if len(values) != 2 or not values[0] < values[1]:
        raise expected("two numbers, the lower one first")
    return values


def at_most(count: int) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Validator of mappings with at most ``count`` keys."""

    def check(values: dict[str, Any]) -> dict[str, Any]:
        if len(values) > count:
            raise expected(f"at most {count} entries")
        return values

    return check


def named(pattern: str, description: str) -> Any:
    """Type of text that matches all of ``pattern``."""
    shown = Field(json_schema_extra={"pattern": f"^{pattern}$"})
    return Annotated[str, AfterValidator(matches(pattern, description)), shown]


def choice(known: Sequence[str]) -> Any:
    """Type of text that is in ``known``."""
    shown = Field(json_schema_extra={"enum": [*known]})
    return Annotated[str, AfterValidator(one_of(known)), shown]


def listed(item: Any, description: str, most: int = 1000) -> Any:
    """Type of lists of 1 to ``most`` different items."""
    shown = Field(json_schema_extra={"minItems": 1, "maxItems": most, "uniqueItems": True})
    return Annotated[list[item], AfterValidator(distinct(description, most)), shown]


LETTERS = "a name of up to 40 lower-case letters, digits and "
LINE = "1 to 80 characters on one line, without |"
EACH_ONCE = "under entries, each once"
SPLIT = "published, or a list of task indices"
REPORT = "all, or a list of at least one name under tables or figures, each once"
if TYPE_CHECKING:
    Name: TypeAlias = str
    TableName: TypeAlias = str
    Line: TypeAlias = str
    Suite: TypeAlias = str
    Algorithm: TypeAlias = str
    BackboneKind: TypeAlias = str
    LearnedKind: TypeAlias = str
    Environment: TypeAlias = str
    TeacherAlgorithm: TypeAlias = str
    FigureKind: TypeAlias = str
    Suites: TypeAlias = list[str]
    Ids: TypeAlias = list[str]
    Panels: TypeAlias = list[str]
    Seeds: TypeAlias = list[int]
else:
    Name = named(r"[a-z0-9][a-z0-9-]{0,39}", f"{LETTERS}hyphens")
    TableName = named(r"[a-z][a-z0-9_]{0,39}", f"{LETTERS}underscores")
    Line = named(r"[^\x00-\x1f|]{1,80}", LINE)
    Suite = choice(SUITE_NAMES)
    Algorithm = choice(tuple(ALGORITHMS))
    BackboneKind = choice(tuple(TRANSFORMERS))
    LearnedKind = choice(LEARNED_KINDS)
    Environment = choice(ENVIRONMENTS)
    TeacherAlgorithm = choice(tuple(TEACHERS))
    FigureKind = choice(tuple(READS))
    Suites = listed(Suite, "a list of at least one suite, each once")
    Ids = listed(str, f"a list of at least one name {EACH_ONCE}")
    Panels = listed(str, f"a list of 1 to 4 names {EACH_ONCE}", 4)
    Seeds = listed(
        Annotated[int, Field(ge=0, le=999_999)], "a list of 1 to 1000 seeds, each once"
    )
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
SomeSteps = Annotated[int, Field(ge=1, le=10_000_000)]
Return = Annotated[float, Field(ge=-1e6, le=1e6)]
ScoreRange = Annotated[
    list[Annotated[float, Field(ge=-1000, le=1000)]],  # of D4RL
    AfterValidator(ascending),
    Field(json_schema_extra={"minItems": 2, "maxItems": 2}),
]
