"""What an entry of the configuration inherits, and the products that it generates.

``like: other`` copies another method, backbone or condition; what the entry itself says
comes on top. A grid stands for every quality of data with every quality of prompt.
Everything here also bears a configuration that is not valid yet: what has the wrong type
is left for the models to refuse.
"""

from collections.abc import Callable, Mapping
from typing import Any

from trajprompt.errors import TrajpromptError

Config = dict[str, Any]
QUALITIES = ("expert", "medium", "random")
GRID = "grid "  # before a grid's name among the entries of a table or figure
Join = Callable[[Config, Config], Config]


class WrongKey(TrajpromptError):
    """A key that cannot be resolved; ``path`` are its parts."""

    def __init__(self, path: tuple[str, ...], found: str, expected: str):
        super().__init__(".".join(path), f"found {found}", expected)
        self.path = path


def expanded(config: Config) -> Config:
    """``config`` without ``like`` and ``grids``: every entry written out."""
    made = {**config}
    _add_grids(made)
    for part, join in (
        ("conditions", _join_flat),
        ("backbones", _join_backbones),
        ("methods", _join_methods),
    ):
        if _is_mapping(made.get(part)):
            made[part] = _inherit(part, made[part], join)
    if _is_mapping(made.get("methods")):
        made["methods"] = _methods(made["methods"])
    made.pop("grids", None)
    return made


def _inherit(part: str, entries: Config, join: Join) -> Config:
    """Every entry on top of the one that it is like."""
    return {name: _one(part, entries, name, (), join) for name in entries}


def _one(part: str, entries: Config, name: str, users: tuple[str, ...], join: Join) -> Any:
    """The entry ``name``; ``users`` are the entries that inherit from it."""
    own = entries[name]
    if not _is_mapping(own) or "like" not in own:
        return own
    base, path = own["like"], (part, name, "like")
    if not isinstance(base, str) or base not in entries:
        raise WrongKey(path, repr(base), f"another name under {part}")
    if base in (*users, name):
        raise WrongKey(path, base, f"one that is not itself like {name}")
    inherited = _one(part, entries, base, (*users, name), join)
    if not _is_mapping(inherited):
        return own
    return join(inherited, {key: value for key, value in own.items() if key != "like"})


def _join_flat(base: Config, own: Config) -> Config:
    return {**base, **own}


def _join_methods(base: Config, own: Config) -> Config:
    """An option of the entry itself also comes before its base's options of a suite."""
    return _join_by_suite(
        base, own, "suite_options", lambda method: method.get("options", {})
    )


def _join_backbones(base: Config, own: Config) -> Config:
    return _join_by_suite(base, own, "suites", lambda backbone: backbone)


def _join_by_suite(
    base: Config, own: Config, key: str, flat: Callable[[Config], Any]
) -> Config:
    suites = {}
    for suite in {**base.get(key, {}), **own.get(key, {})}:
        kept = {
            name: value
            for name, value in base.get(key, {}).get(suite, {}).items()
            if name not in flat(own)
        }
        suites[suite] = {**kept, **own.get(key, {}).get(suite, {})}
    joined = {**base, **own, key: suites}
    if "options" in base or "options" in own:
        joined["options"] = {**base.get("options", {}), **own.get("options", {})}
    return joined


def _methods(methods: Config) -> Config:
    """Those with a kind, the others being for inheritance alone; options of methods.

    An option may be another method's options: ``diffuser: {like: prompt-diffuser}``.
    """
    made = {}
    for name, method in methods.items():
        if _is_mapping(method) and "kind" not in method and "like" not in method:
            if set(method) <= {"options", "suite_options"}:
                continue
        made[name] = method
        options = method.get("options") if _is_mapping(method) else None
        if not _is_mapping(options):
            continue
        filled = {
            key: _options_like(methods, ("methods", name, "options", key), value)
            for key, value in options.items()
        }
        made[name] = {**method, "options": filled}
    return made


def _options_like(methods: Config, path: tuple[str, ...], value: Any) -> Any:
    if not _is_mapping(value) or "like" not in value:
        return value
    base = methods.get(value["like"]) if isinstance(value["like"], str) else None
    if not _is_mapping(base):
        raise WrongKey((*path, "like"), repr(value["like"]), "a name under methods")
    own = {key: item for key, item in value.items() if key != "like"}
    return {**base.get("options", {}), **own}


def _add_grids(config: Config) -> None:
    """Enter every grid's entries and conditions, and their ids in tables and figures."""
    grids = config.get("grids", {})
    if not _is_mapping(grids) or not _is_mapping(config.get("entries")):
        return
    entries, conditions, ids = {}, {}, {}
    for name, grid in grids.items():
        _check_grid(name, grid)
        ids[name] = []
        for data in QUALITIES:
            for prompt in QUALITIES:
                if data == prompt == "expert":
                    ids[name].append(grid["both_expert"])
                    continue
                condition = condition_name(data, prompt)
                qualities = {"data_quality": data, "prompt_quality": prompt}
                conditions[condition] = {"like": "expert", **qualities}
                label = f"{grid['label']} ({data} data, {prompt} prompt)"
                of = {"label": label, "condition": condition, "method": grid["method"]}
                entries[f"{name}-{data}-{prompt}"] = of
                ids[name].append(f"{name}-{data}-{prompt}")
    for part, made in (("entries", entries), ("conditions", conditions)):
        given = config.get(part, {})
        extended = {
            key: {**value, **_mapping(given.get(key))} for key, value in made.items()
        }
        config[part] = {**given, **extended}
    for part in ("tables", "figures"):
        if _is_mapping(config.get(part)):
            config[part] = {
                name: _with_ids(table, ids) for name, table in config[part].items()
            }


def condition_name(data: str, prompt: str) -> str:
    """The name of the condition with these qualities of data and prompt."""
    if data == prompt:
        return "expert" if data == "expert" else f"{data}-both"
    if data == "expert":
        return f"{prompt}-prompt"
    return f"{data}-data" if prompt == "expert" else f"{data}-data-{prompt}-prompt"


def _check_grid(name: str, grid: Any) -> None:
    keys = {"label", "method", "both_expert"}
    if not _is_mapping(grid) or set(grid) != keys:
        raise WrongKey(
            ("grids", name), repr(grid)[:80], f"the keys {', '.join(sorted(keys))}"
        )
    for key in sorted(keys):
        if not isinstance(grid[key], str):
            raise WrongKey(("grids", name, key), repr(grid[key])[:80], "text")


def _with_ids(table: Any, ids: Mapping[str, list[str]]) -> Any:
    if not _is_mapping(table) or not isinstance(table.get("entries"), list):
        return table
    entries = []
    for entry in table["entries"]:
        known = isinstance(entry, str) and ids.get(entry.removeprefix(GRID))
        grid = known if known and entry.startswith(GRID) else None
        entries += grid or [entry]
    return {**table, "entries": entries}


def _is_mapping(value: Any) -> bool:
    return isinstance(value, Mapping)


def _mapping(value: Any) -> Config:
    return value if isinstance(value, dict) else {}
