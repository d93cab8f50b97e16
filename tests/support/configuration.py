"""Configurations of tests: the repository's, with some keys set."""

from typing import Any

from support.paths import ROOT
from trajprompt.config.layers import merge, read_mapping
from trajprompt.config.load import Config, resolve

FILE = ROOT / "config.yaml"


def with_keys(keys: dict[str, Any], *overlays: Config) -> Config:
    """The checked configuration with dotted ``keys`` set as on the command line."""
    given = read_mapping(FILE)
    for overlay in (*overlays, *map(nested, keys, keys.values())):
        merge(given, overlay)
    return resolve(given, ROOT, [FILE])


def nested(path: str, value: Any) -> Config:
    """``value`` at the dotted ``path``, and nothing else."""
    for part in reversed(path.split(".")):
        value = {part: value}
    return value
