"""Grids: every data quality combined with every prompt quality, for one method.

A grid generates the entries ``<grid>-<data>-<prompt>`` and their conditions. A table or
figure that lists ``grid <name>`` shows all of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trajprompt.config.wrong_keys import Config, WrongKey, has, short

QUALITIES = ("expert", "medium", "random")
KEYS = ("both_expert", "label", "method")
PREFIX = "grid "  # before a grid's name among the entries of a table or figure


def with_grids(config: Config) -> Config:
    """``config`` with its grids replaced by their entries, conditions and ids."""
    made = {key: value for key, value in config.items() if key != "grids"}
    grids = config.get("grids", {})
    if not isinstance(grids, dict):
        raise WrongKey(("grids",), f"found {short(grids)}", "a mapping of grids by name")
    for name, grid in grids.items():
        _check(name, grid, config)
        _extend(made, "entries", _entries(name, grid))
        _extend(made, "conditions", _conditions())
    ids = {name: _ids(name, grid) for name, grid in grids.items()}
    for part in ("tables", "figures"):
        if isinstance(config.get(part), dict):
            made[part] = {
                name: _with_ids(table, ids) for name, table in config[part].items()
            }
    return made


def written_in_grid(path: Sequence[Any], config: Config) -> list[Any]:
    """Path in ``config``, with grids, of the value at ``path`` of the expanded one."""
    part, name, *rest = path
    grids = config.get("grids", {})
    for grid, values in grids.items():
        generated = part == "entries" and name in _entries(grid, values)
        if generated and not has(path, config):
            key = rest[0] if rest and rest[0] in values else None
            return ["grids", grid, key] if key else ["grids", grid]
    if part in ("tables", "figures") and rest[:1] == ["entries"] and rest[1:]:
        ids = {grid: _ids(grid, values) for grid, values in grids.items()}
        listed = config[part][name]["entries"]
        sizes = [len(_listed(entry, ids)) for entry in listed]
        ends = [sum(sizes[: count + 1]) for count in range(len(sizes))]
        return [part, name, "entries", sum(end <= int(rest[1]) for end in ends), *rest[2:]]
    return list(path)


def condition_name(data: str, prompt: str) -> str:
    """Name of the condition with these qualities of data and prompt."""
    if data == prompt:
        return "expert" if data == "expert" else f"{data}-both"
    if data == "expert":
        return f"{prompt}-prompt"
    return f"{data}-data" if prompt == "expert" else f"{data}-data-{prompt}-prompt"


def _pairs() -> Iterator[tuple[str, str]]:
    """All (data quality, prompt quality) except (expert, expert)."""
    for data in QUALITIES:
        for prompt in QUALITIES:
            if (data, prompt) != ("expert", "expert"):
                yield data, prompt


def _entries(name: str, grid: Mapping[str, str]) -> Config:
    return {
        f"{name}-{data}-{prompt}": {
            "label": f"{grid['label']} ({data} data, {prompt} prompt)",
            "condition": condition_name(data, prompt),
            "method": grid["method"],
        }
        for data, prompt in _pairs()
    }


def _conditions() -> Config:
    return {
        condition_name(data, prompt): {
            "like": "expert",
            "data_quality": data,
            "prompt_quality": prompt,
        }
        for data, prompt in _pairs()
    }


def _ids(name: str, grid: Mapping[str, str]) -> list[str]:
    """Ids of the grid's entries; the one with both expert is an entry outside the grid."""
    return [grid["both_expert"], *_entries(name, grid)]


def _extend(config: Config, part: str, made: Config) -> None:
    """Add entries to a part of the configuration; values that it sets itself win."""
    given = config.get(part, {})
    if isinstance(given, dict):
        joined = {key: _below(value, given.get(key, {})) for key, value in made.items()}
        config[part] = {**given, **joined}


def _below(made: Config, given: Any) -> Any:
    """``given`` over ``made``; if it is not a mapping, ``given``, for an error later."""
    return {**made, **given} if isinstance(given, dict) else given


def _check(name: str, grid: Any, config: Config) -> None:
    if not isinstance(grid, dict) or set(grid) != set(KEYS):
        raise WrongKey(
            ("grids", name),
            f"found {short(grid)}",
            f"a mapping with the keys {', '.join(KEYS)}",
        )
    for key in KEYS:
        if not isinstance(grid[key], str):
            raise WrongKey(("grids", name, key), f"found {short(grid[key])}", "text")
    for key, part in (("method", "methods"), ("both_expert", "entries")):
        known = config.get(part)
        if isinstance(known, dict) and grid[key] not in known:
            raise WrongKey(
                ("grids", name, key), f"found {grid[key]}", f"a name under {part}"
            )


def _with_ids(table: Any, ids: Mapping[str, list[str]]) -> Any:
    """A table or figure with its grids replaced by the ids of their entries."""
    if not isinstance(table, dict) or not isinstance(table.get("entries"), list):
        return table
    entries = [name for entry in table["entries"] for name in _listed(entry, ids)]
    return {**table, "entries": entries}


def _listed(entry: Any, ids: Mapping[str, list[str]]) -> list[Any]:
    """Ids of one item of a table's list: of a grid's entries, or the item itself."""
    is_grid = isinstance(entry, str) and entry.startswith(PREFIX)
    return ids.get(entry.removeprefix(PREFIX), [entry]) if is_grid else [entry]
