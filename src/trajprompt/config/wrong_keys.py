"""Name what is wrong with a configuration: file, key, found, expected."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from trajprompt.errors import TrajpromptError
from trajprompt.settings.faults import UNKNOWN, expected, place

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import ValidationError

Config = dict[str, Any]
# Files and what they say, lowest layer first.
Sources = Sequence[tuple["str | Path", Config]]
Keys = Sequence[Any]  # the path of a value: keys of mappings, places in lists
COMMAND_LINE = "command line"
# A preset or overlay may change what no paper of the folder has.
MISSING = {"kind": "a kind, as no paper and no lower layer has an entry of this name"}


class WrongKey(TrajpromptError):
    """A key that cannot be resolved; ``path`` are its parts."""

    def __init__(self, path: Keys, found: str, expected: str):
        super().__init__(dotted(path), found, expected)
        self.path = path


def first_fault(error: "ValidationError", values: Any) -> tuple[list[Any], str, str]:
    """(path of the key, found, expected) of the first fault of ``values``."""
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
    """The file that set the key at ``path`` of the ``merged`` files, else the command line.

    For a key that is missing or was generated, it is the last file of what holds it.
    """
    while not has(path, merged):
        path = path[:-1]
    known = [source for source in sources if has(path, source[1])]
    if not known:
        return COMMAND_LINE
    file, values = known[-1]
    found = _at(path, merged)
    last = isinstance(found, Mapping) or _at(path, values) == found
    return str(file) if last else COMMAND_LINE


def has(path: Keys, node: Any) -> bool:
    """Whether there is a value at ``path``."""
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
    """The values of ``node`` that are mappings, by key; none if it is not one itself."""
    values = node.items() if isinstance(node, dict) else ()
    return {key: value for key, value in values if isinstance(value, dict)}


def dotted(path: Keys) -> str:
    return ".".join(map(str, path)) or "top level"


def short(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 80 else text[:77] + "..."
