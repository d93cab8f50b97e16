"""Read, merge and check a run's configuration."""

import json
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from trajprompt.config.cell_checks import cell_inconsistencies
from trajprompt.config.checks import inconsistencies
from trajprompt.config.schema import (
    dotted,
    expected_by,
    found_by,
    key_path,
    origin,
    read_mapping,
    validator,
)
from trajprompt.config.table_checks import table_inconsistencies
from trajprompt.errors import TrajpromptError
from trajprompt.settings.parsing import odd_value

Config = dict[str, Any]


def load_config(files: Sequence[str | Path]) -> Config:
    """The merged and checked configuration of ``files``; later files override."""
    merged: Config = {}
    for file in files:
        merge_config(merged, read_mapping(Path(file)))
    check_config(merged, files)
    return merged


def merge_config(base: Config, overlay: Mapping[str, Any]) -> None:
    """Overlay in place: mappings merge key by key, anything else is replaced."""
    for key, value in overlay.items():
        if isinstance(value, Mapping) and isinstance(base.get(key), dict):
            merge_config(base[key], value)
        else:
            base[key] = json.loads(json.dumps(value))


def check_config(config: Config, files: Sequence[str | Path] = ()) -> None:
    """Raise TrajpromptError at the first key that is unknown, ill-typed or inconsistent."""
    import jsonschema

    for file in files:
        read_mapping(Path(file))  # Snakemake lets pass what stands twice in a file
    odd = odd_value(config)
    if odd is not None:
        path, found, expected = odd
        where = f"{origin(path, config, files)}: {dotted(path)}"
        raise TrajpromptError(where, found, expected)
    error = jsonschema.exceptions.best_match(validator().iter_errors(config))
    if error is not None:
        path = key_path(error)
        where = f"{origin(path, config, files)}: {dotted(path)}"
        raise TrajpromptError(where, found_by(error), expected_by(error))
    checks = (inconsistencies, table_inconsistencies, cell_inconsistencies)
    for key, found, expected in chain.from_iterable(own(config) for own in checks):
        where = f"{origin(key.split('.'), config, files)}: {key}"
        raise TrajpromptError(where, f"found {found}", expected)
