"""Parse JSON and YAML from files that may be damaged, mistyped or malicious.

Depth is bounded and numbers are finite. For YAML, the size is bounded too, aliases may not
multiply, and duplicate keys are errors.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trajprompt.errors import TrajpromptError

if TYPE_CHECKING:
    import yaml

MAX_FILE_BYTES = 2**20  # the project's largest file, a list of claims, has 30 kB
MAX_VALUES = 50_000  # in a document, with all aliases written out
MAX_DEPTH = 100  # levels; json of Python 3.12 reads deeper values than Python code can walk
MAX_NUMBER = 2**63


def json_object(text: object, where: object, remedy: str = "") -> dict[str, Any]:
    """JSON object in ``text``; TrajpromptError as for `invalid_value` if it is not one."""
    try:
        found = json.loads(text)  # type: ignore[arg-type]  # TypeError is caught
    except (ValueError, TypeError, RecursionError) as error:
        found = f"not JSON ({error})"
        raise TrajpromptError(where, found, "a JSON object", remedy) from error
    if not isinstance(found, dict):
        kind = f"found a {type(found).__name__}"
        raise TrajpromptError(where, kind, "a JSON object", remedy)
    _require_builtin_types(found, where, remedy)
    return found


def read_yaml(path: Path, remedy: str = "") -> Any:
    """Content of a YAML file; TrajpromptError for duplicate or invalid keys and values."""
    import yaml

    size = path.stat().st_size
    if size > MAX_FILE_BYTES:
        expected = f"at most {MAX_FILE_BYTES} bytes"
        raise TrajpromptError(path, f"found {size} bytes", expected, remedy)
    # PyYAML raises errors of many types for invalid scalars and tags.
    errors = (yaml.YAMLError, ValueError, RecursionError, LookupError, ArithmeticError)
    try:
        values = _load(path.read_text(encoding="utf-8"), path, remedy)
    except (*errors, TypeError, AttributeError) as error:
        found = f"not YAML ({' '.join(str(error).split())[:200]})"
        raise TrajpromptError(path, found, "valid YAML", remedy) from error
    _require_builtin_types(values, path, remedy)
    return values


def invalid_value(root: Any) -> tuple[list[Any], str, str] | None:
    """(path, found, expected) of the first value that JSON cannot represent, else None."""
    waiting: list[tuple[list[Any], Any]] = [([], root)]
    while waiting:
        path, value = waiting.pop()
        if len(path) > MAX_DEPTH:
            found = f"found more than {MAX_DEPTH} levels"
            return path[:1], found, "a value with fewer levels"
        if isinstance(value, Mapping):
            for key, item in value.items():
                if not isinstance(key, str):
                    return (
                        [*path, str(key)[:80]],
                        f"found a key of type {type(key).__name__}",
                        "text as a key",
                    )
                waiting.append(([*path, key], item))
        elif isinstance(value, list):
            waiting += [([*path, index], item) for index, item in enumerate(value)]
        elif isinstance(value, int | float) and not abs(value) < MAX_NUMBER:
            shown = f"{value}" if isinstance(value, float) else "an integer over 2^63"
            return path, f"found {shown}", "a finite number"
        elif value is not None and not isinstance(value, str | int | float):
            found = f"found a value of type {type(value).__name__}, {str(value)[:80]!r}"
            return path, found, "text, a number, true, false, null, a list or a mapping"
    return None


def _require_builtin_types(values: Any, where: object, remedy: str) -> None:
    error = invalid_value(values)
    if error is not None:
        path, found, expected = error
        key = ".".join(map(str, path)) or "top level"
        raise TrajpromptError(f"{where}: {key}", found, expected, remedy)


def _load(text: str, path: Path, remedy: str) -> Any:
    import yaml

    loader = yaml.SafeLoader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return None
        _check_nodes(root, {}, path, remedy)
        return loader.construct_document(root)
    finally:
        loader.dispose()


def _check_nodes(
    node: "yaml.Node", sizes: dict[int, float], path: Path, remedy: str
) -> float:
    """Number of values in ``node``, with aliases written out; ``sizes`` caches it by node.

    Raises TrajpromptError, before any value is built, if there are too many values or a
    node contains itself.
    """
    known = sizes.get(id(node))
    if known is not None:
        return known
    sizes[id(node)] = math.inf  # found by a descendant if the node contains itself
    children = [] if isinstance(node.value, str) else node.value
    if node.id == "mapping":
        _check_keys(node, path, remedy)
        children = [part for pair in children for part in pair]
    total = 1 + sum(_check_nodes(child, sizes, path, remedy) for child in children)
    if total > MAX_VALUES:
        where = f"{path}: line {node.start_mark.line + 1}"
        found = (
            f"{total} values" if math.isfinite(total) else "an alias that contains itself"
        )
        expected = f"at most {MAX_VALUES} values, with all aliases written out"
        raise TrajpromptError(where, f"found {found}", expected, remedy)
    sizes[id(node)] = total
    return total


def _check_keys(node: "yaml.Node", path: Path, remedy: str) -> None:
    names: set[str] = set()
    for key, _ in node.value:
        if key.id != "scalar" or key.tag == "tag:yaml.org,2002:merge":
            continue  # PyYAML refuses other keys; a repeated merge is harmless
        if key.value in names:
            where = f"{path}: line {key.start_mark.line + 1}"
            found = f"found a duplicate key '{key.value[:80]}'"
            raise TrajpromptError(where, found, "each key once", remedy)
        names.add(key.value)
