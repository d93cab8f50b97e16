"""The plan of the calibration: which options of which methods are tried, and where.

It is ``calibration.yaml`` in the folder of the papers. Every method has the same number of
settings, and the paper's values are among them.
"""

import itertools
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, model_validator

from trajprompt.config.fields import Name, Suite, expected
from trajprompt.config.layers import read_mapping
from trajprompt.config.strict_model import Model
from trajprompt.config.wrong_keys import Config, dotted, first_fault
from trajprompt.errors import TrajpromptError
from trajprompt.settings.options import Scale, SmallCount

PLAN_FILE = "calibration.yaml"
SETTINGS = 6  # per method
REMEDY = "correct this key; docs/calibration.md explains it"
Value = Annotated[int | float, Field(gt=0)]
Values = Annotated[list[Value], Field(min_length=1, max_length=SETTINGS)]


class Signal(Model):
    """What is measured of the returns of perturbed prompts before any tuning."""

    smoothings: list[Scale]  # standard deviations of the candidates around the prompt
    resets: Annotated[int, Field(ge=2, le=100)]  # from which every candidate is played
    conditions: dict[Name, list[Suite]]


class MethodGrid(Model):
    """The values that are tried for one method."""

    condition: Name
    suites: list[Suite]
    conditions: dict[Suite, Name] = {}  # other conditions than ``condition``
    values: dict[str, Values]  # option -> values; settings are all combinations
    paper: dict[str, Value]  # the printed setting
    source: str  # where it is printed

    @model_validator(mode="after")
    def _require_the_papers_setting(self) -> "MethodGrid":
        if len(self.settings) != SETTINGS:
            raise expected(f"{SETTINGS} combinations of values, as for every method")
        if self.paper not in self.settings:
            raise expected("the paper's setting among the combinations of values")
        return self

    @property
    def settings(self) -> list[dict[str, Any]]:
        """All combinations of values, the last option changing fastest."""
        points = itertools.product(*self.values.values())
        return [dict(zip(self.values, point, strict=True)) for point in points]

    @property
    def sweep(self) -> str:
        """The values as arguments of ``trajprompt calibrate --sweep``."""
        parts = ((option, map(json.dumps, v)) for option, v in self.values.items())
        return " ".join(f"{option}={','.join(values)}" for option, values in parts)

    def condition_of(self, suite: str) -> str:
        """Condition in which the method is calibrated on ``suite``."""
        return self.conditions.get(suite, self.condition)

    def at_end(self, setting: Mapping[str, Any]) -> bool:
        """True if a value is the first or last of three or more of its option."""
        ends = {o: (v[0], v[-1]) for o, v in self.values.items() if len(v) > 2}
        return any(setting[option] in found for option, found in ends.items())

    def distance(self, setting: Mapping[str, Any]) -> float:
        """Sum of the absolute logarithms of the ratios to the paper's values."""
        return sum(abs(math.log(setting[o] / value)) for o, value in self.paper.items())


class Plan(Model):
    """Content of the plan's file."""

    episodes: SmallCount  # fresh ones per prompt
    signal: Signal
    methods: dict[Name, MethodGrid]

    def cells(self, config: Config) -> list[tuple[str, str, str]]:
        """(suite, condition, method) of all sweeps in the run ``config``.

        Suites and methods that the run does not define are left out.
        """
        return [
            (suite, grid.condition_of(suite), method)
            for method, grid in self.methods.items()
            for suite in config["suites"]
            if suite in grid.suites and method in config["methods"]
        ]

    def signals(self, config: Config) -> Iterator[tuple[str, str]]:
        """(suite, condition) of all measurements of the signal in the run ``config``."""
        for condition, suites in self.signal.conditions.items():
            for suite in config["suites"]:
                if suite in suites:
                    yield suite, condition


def read_plan(folder: str | Path) -> Plan:
    """Plan in the folder of the papers; TrajpromptError names the first wrong key."""
    path = Path(folder) / PLAN_FILE
    values = read_mapping(path)
    try:
        return Plan.model_validate(values)
    except ValidationError as error:
        place, found, needed = first_fault(error, values)
        raise TrajpromptError(f"{path}: {dotted(place)}", found, needed, REMEDY) from error
