"""Comparison of a configuration with the choices of the calibration."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from trajprompt.config.wrong_keys import Config
from trajprompt.errors import TrajpromptError
from trajprompt.settings.options import build
from trajprompt.settings.parsing import read_yaml
from trajprompt.tuning.registry import get_method

Choices = Mapping[str, Mapping[str, Mapping[str, Any]]]  # suite -> method -> options
REMEDY = "run `trajprompt calibrate --all` again"


class Difference(NamedTuple):
    """An option that a run has differently from the choices."""

    file: str  # the preset
    key: str
    chosen: Any
    found: Any

    def __str__(self) -> str:
        return f"{self.file}: {self.key}: {self.chosen} (found {self.found})"


def read_choices(path: Path) -> Choices:
    """Content of choices.yaml; TrajpromptError unless it is options by suite and method."""
    if not path.is_file():
        expected = "the choices of a calibration"
        raise TrajpromptError(path, "no such file", expected, REMEDY)
    found = read_yaml(path, REMEDY)
    levels: list[Any] = [found]
    for _ in range(3):
        if not all(isinstance(level, dict) for level in levels):
            expected = "options by suite and method"
            raise TrajpromptError(path, "found other values", expected, REMEDY)
        levels = [value for level in levels for value in level.values()]
    return found


def differences(config: Config, choices: Choices) -> Iterator[Difference]:
    """Yield what the run ``config`` lacks of the choices, or has differently.

    Suites and methods that the run does not define are left out.
    """
    file = f"presets/{config['preset']}.yaml"
    for suite in (name for name in config["suites"] if name in choices):
        for name, chosen in choices[suite].items():
            if name not in config["methods"]:
                continue
            method = config["methods"][name]
            values = {**method["options"], **method["suite_options"].get(suite, {})}
            options = build((get_method(method["kind"]).options,), values)[0]
            for option, value in chosen.items():
                found = getattr(options, option, None)
                if found != value:
                    key = f"methods.{name}.suite_options.{suite}.{option}"
                    yield Difference(file, key, value, found)
