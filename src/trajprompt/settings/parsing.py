"""JSON and YAML from files that may be damaged, mistyped or meant to harm.

Depth is bounded and numbers are finite. In YAML, whose texts are ours to limit, size is
bounded too, aliases may not multiply, and a key may not stand twice.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trajprompt.errors import TrajpromptError

if TYPE_CHECKING:
    import yaml

LARGEST_FILE = 2**20  # bytes; the largest of the project, a list of claims, has 30 kB
LARGEST_DOCUMENT = 50_000  # values, aliases counted as often as they stand
LARGEST_DEPTH = 100  # levels; since Python 3.12 json reads more than Python code can walk
LARGEST_NUMBER = 2**63


def json_object(text: object, where: object, remedy: str = "") -> dict[str, Any]:
    """The JSON object that ``text`` holds, of plain values as `odd_value` has them."""
    try:
        found = json.loads(text)  # type: ignore[arg-type]  # TypeError is caught
    except (ValueError, TypeError, RecursionError) as error:
        raise TrajpromptError(where, f"not JSON ({error})", "JSON", remedy) from error
    if not isinstance(found, dict):
        raise TrajpromptError(where, f"a {type(found).__name__}", "a JSON object", remedy)
    _require_plain(found, where, remedy)
    return found


def read_yaml(path: Path, remedy: str = "") -> Any:
    """What the YAML file at ``path`` holds: plain values, no key twice."""
    import yaml

    size = path.stat().st_size
    if size > LARGEST_FILE:
        raise TrajpromptError(path, f"{size} bytes", f"at most {LARGEST_FILE}", remedy)
    # What PyYAML raises on odd scalars and tags is of many kinds.
    wrong = (yaml.YAMLError, ValueError, RecursionError, LookupError, ArithmeticError)
    try:
        values = _load(path.read_text(encoding="utf-8"), path, remedy)
    except (*wrong, TypeError, AttributeError) as error:
        found = f"not YAML ({' '.join(str(error).split())[:200]})"
        raise TrajpromptError(path, found, "a YAML file", remedy) from error
    _require_plain(values, path, remedy)
    return values


def odd_value(root: Any) -> tuple[list[Any], str, str] | None:
    """(path, found, expected) of the first value that a JSON file could not hold."""
    waiting: list[tuple[list[Any], Any]] = [([], root)]
    while waiting:
        path, value = waiting.pop()
        if len(path) > LARGEST_DEPTH:
            return path[:1], f"more than {LARGEST_DEPTH} levels", "a flatter value"
        if isinstance(value, Mapping):
            for key, item in value.items():
                if not isinstance(key, str):
                    return [*path, str(key)[:80]], f"a {type(key).__name__}", "a name"
                waiting.append(([*path, key], item))
        elif isinstance(value, list):
            waiting += [([*path, index], item) for index, item in enumerate(value)]
        elif isinstance(value, int | float) and not abs(value) < LARGEST_NUMBER:
            shown = f"{value}" if isinstance(value, float) else "an integer over 2^63"
            return path, f"found {shown}", "a finite number"
        elif value is not None and not isinstance(value, str | int | float):
            found = f"found a {type(value).__name__}, {str(value)[:80]!r}"
            return path, found, "text, a number, true, false, null, a list or a mapping"
    return None


def _require_plain(values: Any, where: object, remedy: str) -> None:
    odd = odd_value(values)
    if odd is not None:
        path, found, expected = odd
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
    """How many values ``node`` stands for; aliases share a node, so ``sizes`` knows it.

    Raises before anything is built from nodes that multiply, or that hold themselves.
    """
    known = sizes.get(id(node))
    if known is not None:
        return known
    sizes[id(node)] = math.inf  # met again while it is open, it holds itself
    children = [] if isinstance(node.value, str) else node.value
    if node.id == "mapping":
        _check_keys(node, path, remedy)
        children = [part for pair in children for part in pair]
    total = 1 + sum(_check_nodes(child, sizes, path, remedy) for child in children)
    if total > LARGEST_DOCUMENT:
        where = f"{path}: line {node.start_mark.line + 1}"
        found = "an alias within itself" if math.isinf(total) else f"{total} values"
        expected = f"at most {LARGEST_DOCUMENT} values, with all aliases written out"
        raise TrajpromptError(where, found, expected, remedy)
    sizes[id(node)] = total
    return total


def _check_keys(node: "yaml.Node", path: Path, remedy: str) -> None:
    names: set[str] = set()
    for key, _ in node.value:
        if key.id != "scalar" or key.tag == "tag:yaml.org,2002:merge":
            continue  # YAML itself refuses other keys; merging twice harms nothing
        if key.value in names:
            where = f"{path}: line {key.start_mark.line + 1}"
            found = f"the key '{key.value[:80]}' a second time"
            raise TrajpromptError(where, found, "each key once", remedy)
        names.add(key.value)
