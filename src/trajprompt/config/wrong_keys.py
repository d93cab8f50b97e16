"""Errors of a configuration: file, key, what was found, what was expected."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from trajprompt.errors import TrajpromptError
from trajprompt.settings.faults import UNKNOWN, expected, place

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import ValidationError

Config = dict[str, Any]
# (file, content), lowest layer first.
Sources = Sequence[tuple["str | Path", Config]]
Keys = Sequence[Any]  # path of a value: keys of mappings, indices of lists
COMMAND_LINE = "command line"
# A preset or a user's file may change an entry that does not exist, e.g. misspelt.
MISSING = {"kind": "a kind, or an entry of this name in a preset or a paper"}


class WrongKey(TrajpromptError):
    """A key with a wrong value, or an unknown or missing key, at ``path``."""

    def __init__(self, path: Keys, found: str, expected: str):
        super().__init__(dotted(path), found, expected)
        self.path = path


def first_fault(error: "ValidationError", values: Any) -> tuple[list[Any], str, str]:
    """(path of the key, found, expected) of the first error in ``values``."""
    fault = error.errors(include_url=False)[0]
    path = place(fault, values)
    if fault["type"] == "unknown_key":
        return [*path, fault["ctx"]["key"]], f"found {UNKNOWN}", fault["msg"]
    if fault["type"] == "missing":
        return path, "found nothing", MISSING.get(path[-1], "a value")
    if "[key]" in fault["loc"]:
        return path, f"found {UNKNOWN}", expected(fault)
    return path, f"found {short(fault['input'])}", expected(fault)


def origin(path: Keys, merged: Config, sources: Sources) -> str:
    """File that set the key at ``path`` of the ``merged`` files, else "command line".

    For a missing or generated key, the file that set the nearest existing parent key.
    """
    while not has(path, merged):
        path = path[:-1]
    known = [source for source in sources if has(path, source[1])]
    if not known:
        return COMMAND_LINE
    file, values = known[-1]
    found = _at(path, merged)
    set_by_file = isinstance(found, Mapping) or _at(path, values) == found
    return str(file) if set_by_file else COMMAND_LINE


def has(path: Keys, node: Any) -> bool:
    """True if ``node`` has a value at ``path``."""
    try:
        _at(path, node)
    except (KeyError, IndexError, TypeError, ValueError):
        return False
    return True


def _at(path: Keys, node: Any) -> Any:
    for part in path:
        node = node[int(part) if isinstance(node, list) else part]
    return node


def mappings(node: Any) -> dict[Any, Config]:
    """Values of ``node`` that are mappings, by key; empty if it is not a mapping."""
    values = node.items() if isinstance(node, dict) else ()
    return {key: value for key, value in values if isinstance(value, dict)}


def dotted(path: Keys) -> str:
    return ".".join(map(str, path)) or "top level"


def short(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 80 else text[:77] + "..."
