"""What an entry of the configuration inherits.

``like: other`` copies another method, backbone or condition; what the entry itself says
comes on top. This also bears a configuration that is not valid yet: what has the wrong type
is left for the models to refuse.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any

from trajprompt.config.grids import with_grids, written_in_grid
from trajprompt.config.wrong_keys import Config, WrongKey, has, mappings

Join = Callable[[Config, Config], Config]


def expanded(config: Config) -> Config:
    """``config`` without ``like`` and ``grids``: every entry written out."""
    made = with_grids(config)
    bases = _bases(made.get("methods"))
    for part, join in JOINS.items():
        if isinstance(made.get(part), dict):
            made[part] = _inherit(part, made[part], join)
    if isinstance(made.get("methods"), dict):
        made["methods"] = _methods(made["methods"], bases)
    return made


def written_at(path: Sequence[Any], config: Config) -> list[Any]:
    """Where ``config``, not yet expanded, has the value at ``path`` of the expanded one.

    ``path`` itself where nothing is inherited or generated, or no entry sets it.
    """
    if len(path) > 1 and isinstance(config.get("grids", {}), dict):
        path = written_in_grid(path, config)
    place, users = list(path), set()
    while not has(place, config) and len(place) > 2 and place[0] in JOINS:
        part, name, *rest = place
        entry = config.get(part, {}).get(name)
        if not isinstance(entry, dict) or name in users:
            return list(path)
        users.add(name)
        options = entry.get("options")
        chosen = options.get(rest[1]) if isinstance(options, dict) and rest[1:] else None
        if rest[0] == "options" and isinstance(chosen, dict) and "like" in chosen:
            place = [part, chosen["like"], "options", *rest[2:]]
        elif "like" in entry:
            place = [part, entry["like"], *rest]
        else:
            return list(path)
    return place if has(place, config) else list(path)


def _inherit(part: str, entries: Config, join: Join) -> Config:
    """Every entry on top of the one that it is like."""
    return {name: _one(part, entries, name, (), join) for name in entries}


def _one(part: str, entries: Config, name: str, users: tuple[str, ...], join: Join) -> Any:
    """The entry ``name``; ``users`` are the entries that inherit from it."""
    own = entries[name]
    if not isinstance(own, dict) or "like" not in own:
        return own
    base, path = own["like"], (part, name, "like")
    if not isinstance(base, str) or base not in entries:
        raise WrongKey(path, f"found {base!r:.60}", f"another name under {part}")
    if base in (*users, name):
        raise WrongKey(path, f"found {base}", f"one that is not itself like {name}")
    inherited = _one(part, entries, base, (*users, name), join)
    if not isinstance(inherited, dict):
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
    """``own`` over ``base``; what ``own`` says of all suites also lies over its suites."""
    joined = {**base, **own}
    for nested in (key, "options"):
        if nested in base and nested in own:
            joined[nested] = _over(base[nested], own[nested])
    if isinstance(base.get(key), dict) and isinstance(joined[key], dict):
        joined[key] = {
            suite: _over(_without(base[key].get(suite, {}), flat(own)), values)
            if suite in own.get(key, {})
            else _without(values, flat(own))
            for suite, values in joined[key].items()
        }
    return joined


def _over(below: Any, above: Any) -> Any:
    both = isinstance(below, dict) and isinstance(above, dict)
    return {**below, **above} if both else above


def _without(values: Any, names: Any) -> Any:
    if not isinstance(values, dict) or not isinstance(names, dict):
        return values
    return {name: value for name, value in values.items() if name not in names}


def _methods(methods: Config, bases: Collection[str]) -> Config:
    """The methods that have a kind, each with all of its options.

    Those without a kind are ``bases``, there to be inherited from. An option may be
    another method's options: ``diffuser: {like: prompt-diffuser}``.
    """
    made = {}
    for name, method in methods.items():
        named = isinstance(method, dict) and not {"kind", "like"} & set(method)
        if named and name in bases and set(method) <= {"options", "suite_options"}:
            continue
        made[name] = method
        options = method.get("options") if isinstance(method, dict) else None
        if not isinstance(options, dict):
            continue
        filled = {
            key: _options_like(methods, ("methods", name, "options", key), value)
            for key, value in options.items()
        }
        made[name] = {**method, "options": filled}
    return made


def _bases(methods: Any) -> set[str]:
    """The names that methods, or options of them, are like."""
    found = set()
    for method in mappings(methods).values():
        for part in (method, *mappings(method.get("options")).values()):
            if isinstance(part.get("like"), str):
                found.add(part["like"])
    return found


def _options_like(methods: Config, path: tuple[str, ...], value: Any) -> Any:
    if not isinstance(value, dict) or "like" not in value:
        return value
    base = methods.get(value["like"]) if isinstance(value["like"], str) else None
    if base is None:
        raise WrongKey(
            (*path, "like"), f"found {value['like']!r:.60}", "a name under methods"
        )
    own = {key: item for key, item in value.items() if key != "like"}
    return _over(base.get("options", {}) if isinstance(base, dict) else {}, own)


JOINS: dict[str, Join] = {
    "conditions": _join_flat,
    "backbones": _join_backbones,
    "methods": _join_methods,
}
