"""Name what is wrong with a configuration: file, key, found, expected."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from trajprompt.errors import TrajpromptError

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import ValidationError

Config = dict[str, Any]
# Files and what they say, lowest layer first.
Sources = Sequence[tuple["str | Path", Config]]
Keys = Sequence[Any]  # the path of a value: keys of mappings, places in lists
COMMAND_LINE = "command line"
TYPES = {  # pydantic's types of errors
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "list_type": "a list",
    "string_type": "text",
    "int_type": "an integer",
    "float_type": "a number",
}
BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
}


class WrongKey(TrajpromptError):
    """A key that cannot be resolved; ``path`` are its parts."""

    def __init__(self, path: Keys, found: str, expected: str):
        super().__init__(dotted(path), found, expected)
        self.path = path


def first_fault(error: "ValidationError") -> tuple[list[Any], str, str]:
    """(path of the key, found, expected) of the first fault."""
    fault = error.errors(include_url=False)[0]
    # pydantic also names the branch of a union, which is no key.
    path = [part for part in fault["loc"] if not _is_branch(part)]
    kind, context = fault["type"], fault.get("ctx", {})
    if kind == "unknown_key":
        return [*path, context["key"]], "an unknown key", fault["msg"]
    if kind == "missing":
        return path, "found nothing", "a value"
    if "[key]" in fault["loc"]:
        return path, "an unknown key", _expected(fault)
    return path, f"found {short(fault['input'])}", _expected(fault)


def _is_branch(part: Any) -> bool:
    return part == "[key]" or (isinstance(part, str) and ("[" in part or "(" in part))


def _expected(fault: Mapping[str, Any]) -> str:
    """What pydantic expected, in words."""
    kind, context = fault["type"], fault.get("ctx", {})
    if kind in BOUNDS:
        word, bound = BOUNDS[kind]
        return f"{word} {context[bound]}"
    if kind == "literal_error":
        return f"one of {context['expected']}".replace("'", "").replace(" or ", ", ")
    text = TYPES.get(kind, fault["msg"].removeprefix("Input should be "))
    number = kind in ("int_type", "float_type") and isinstance(fault["input"], str)
    return f"{text} (write 1.0e-4, not 1e-4)" if number else text


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


def dotted(path: Keys) -> str:
    return ".".join(map(str, path)) or "top level"


def short(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 80 else text[:77] + "..."
