"""Configurations for tests: the repository's, with some keys changed."""

from typing import Any

import pytest

from support.paths import ROOT
from trajprompt.config.layers import merge, read_mapping
from trajprompt.config.load import Config, resolve
from trajprompt.errors import TrajpromptError

FILE = ROOT / "config.yaml"


def with_keys(keys: dict[str, Any], *overlays: Config) -> Config:
    """Checked configuration with dotted ``keys`` set as on the command line.

    The preset is evening, which makes every table, unless ``keys`` have another.
    """
    given = {**read_mapping(FILE), "preset": "evening"}
    for overlay in (*overlays, *map(nested, keys, keys.values())):
        merge(given, overlay)
    return resolve(given, ROOT, [FILE])


def nested(path: str, value: Any) -> Config:
    """``value`` at the dotted ``path``, and nothing else."""
    for part in reversed(path.split(".")):
        value = {part: value}
    return value


def fault_of(keys: dict[str, Any], *overlays: Config) -> tuple[str, str, str]:
    """(key, found, expected) of the error of the configuration with ``keys``."""
    with pytest.raises(TrajpromptError) as caught:
        with_keys(keys, *overlays)
    error = caught.value
    return str(error.where).partition(": ")[2], error.found, error.expected


def fault_key(keys: dict[str, Any], *overlays: Config) -> str:
    """Key in the error of the configuration with ``keys``."""
    return fault_of(keys, *overlays)[0]
