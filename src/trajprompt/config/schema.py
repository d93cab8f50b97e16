"""Naming what is wrong with a configuration: file, key, found, expected."""

import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trajprompt.errors import TrajpromptError
from trajprompt.settings.parsing import read_yaml
from trajprompt.tasks.registry import SUITE_NAMES

Config = dict[str, Any]
YTE = "__use_yte__"  # with it Snakemake runs the Python that stands in a YAML file


def read_mapping(file: Path) -> Config:
    if not file.is_file():
        raise TrajpromptError(file, "no such config file", "an existing YAML file")
    values = read_yaml(file)
    if not isinstance(values, dict):
        raise TrajpromptError(file, f"found {short(values)}", "a YAML mapping")
    if YTE in values:
        raise TrajpromptError(f"{file}: {YTE}", "a template", "values: it would run code")
    return values


@functools.cache
def validator() -> Any:
    """Of the schema; 2.0 is no integer, because a stage would take it for a fraction."""
    import jsonschema

    plain = jsonschema.Draft202012Validator
    types = plain.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int)
    strict = jsonschema.validators.extend(plain, type_checker=types)
    schema = read_mapping(Path(__file__).with_name("config.schema.yaml"))
    schema["$defs"]["suite"]["enum"] = list(SUITE_NAMES)
    return strict(schema)


def origin(path: Sequence[Any], config: Config, files: Sequence[str | Path]) -> str:
    """Who set the key at ``path``: the last file with that value, else the command line.

    For a key that is missing, who set what should hold it.
    """
    while path and not _has(path, config):
        path = path[:-1]
    for file in reversed(files):
        try:
            if _at(path, read_mapping(Path(file))) == _at(path, config):
                return str(file)
        except (KeyError, IndexError, TypeError, ValueError):
            continue
    return "command line"


def _has(path: Sequence[Any], node: Any) -> bool:
    try:
        _at(path, node)
    except (KeyError, IndexError, TypeError, ValueError):
        return False
    return True


def _at(path: Sequence[Any], node: Any) -> Any:
    for part in path:
        node = node[int(part) if isinstance(node, list) else part]
    return node


def _is_unknown_key(error: Any) -> bool:
    return error.validator == "additionalProperties"


def _is_wrong_name(error: Any) -> bool:
    """Whether it is a key that the rule for names refuses; the key is the instance."""
    return "propertyNames" in error.absolute_schema_path


def dotted(path: Sequence[Any]) -> str:
    return ".".join(map(str, path)) or "top level"


def key_path(error: Any) -> list[Any]:
    """Where a jsonschema error is; for an unknown key, the path of that key."""
    path = list(error.absolute_path)
    if _is_wrong_name(error):
        path.append(error.instance)
    if _is_unknown_key(error):
        path.append(min(set(error.instance) - set(error.schema["properties"])))
    return path


def found_by(error: Any) -> str:
    """What a jsonschema error is about."""
    if _is_unknown_key(error) or _is_wrong_name(error):
        return "an unknown key"
    return f"found {short(error.instance)}"


def expected_by(error: Any) -> str:
    """A jsonschema error as 'expected …'."""
    rule, value = error.validator, error.validator_value
    if _is_unknown_key(error):
        allowed = sorted(error.schema.get("properties", {}))
        return f"only the keys {', '.join(allowed)}"
    if rule == "required":
        missing = sorted(set(value) - set(error.instance))
        return f"the missing key(s) {', '.join(missing)}"
    if rule == "enum":
        return f"one of {', '.join(str(item) for item in value)}"
    if rule == "type":
        hint = " (write 1.0e-4, not 1e-4)" if isinstance(error.instance, str) else ""
        return f"{value}{hint}"
    descriptions = {
        "minimum": "at least",
        "maximum": "at most",
        "exclusiveMinimum": "more than",
        "exclusiveMaximum": "less than",
    }
    if rule in descriptions:
        return f"{descriptions[rule]} {value}"
    return str(error.schema.get("description", f"{rule} {short(value)}"))


def short(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 80 else text[:77] + "..."
