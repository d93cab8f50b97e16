"""Inheritance between entries of the configuration.

``like: other`` copies another method, backbone, algorithm or condition; keys that the entry
sets override the copy. The configuration need not be valid yet: values of a wrong type are
kept, and the models refuse them later.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any

from trajprompt.config.grids import with_grids, written_in_grid
from trajprompt.config.wrong_keys import Config, WrongKey, has, mappings

Join = Callable[[Config, Config], Config]


def expanded(config: Config) -> Config:
    """``config`` with every ``like`` and ``grids`` written out."""
    made = with_grids(config)
    bases = _bases(made.get("methods"))
    for part, join in JOINS.items():
        if isinstance(made.get(part), dict):
            made[part] = _inherit(part, made[part], join)
    if isinstance(made.get("methods"), dict):
        made["methods"] = _methods(made["methods"], bases)
    return made


def written_at(path: Sequence[Any], config: Config) -> list[Any]:
    """Path in ``config``, not yet expanded, of the value at ``path`` of the expanded one.

    Returns ``path`` if the value is not inherited or generated, or if no entry sets it.
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
        taken = [written_at([part, *below], config) for below in _taken(entry, rest)]
        if taken:
            return next((found for found in taken if has(found, config)), list(path))
        if "like" in entry:
            place = [part, entry["like"], *rest]
        else:
            return list(path)
    return place if has(place, config) else list(path)


def _taken(entry: Config, rest: list[Any]) -> list[list[Any]]:
    """Paths below the methods at which a value that an option takes from one may be set.

    The first that exists counts. Empty if the value at ``rest`` of ``entry`` is not taken.
    """
    depth = {"options": 1, "suite_options": 2}.get(rest[0], len(rest))
    options = entry.get("options")
    if not isinstance(options, dict) or len(rest) <= depth:
        return []
    chosen = options.get(rest[depth])
    if not isinstance(chosen, dict) or "like" not in chosen:
        return []
    below = rest[depth + 1 :]
    if below and below[0] in chosen:
        return []
    base = chosen["like"]
    return [[base, *rest[:depth], *below], [base, "options", *below]]


def _inherit(part: str, entries: Config, join: Join) -> Config:
    """All entries, each with the values that it inherits."""
    return {name: _one(part, entries, name, (), join) for name in entries}


def _one(part: str, entries: Config, name: str, users: tuple[str, ...], join: Join) -> Any:
    """The entry ``name`` with inherited values; ``users`` inherit from it."""
    entry = entries[name]
    if not isinstance(entry, dict) or "like" not in entry:
        return entry
    base, path = entry["like"], (part, name, "like")
    if not isinstance(base, str) or base not in entries:
        raise WrongKey(path, f"found {base!r:.60}", f"another name under {part}")
    if base in (*users, name):
        expected = f"a name that does not inherit from {name} itself"
        raise WrongKey(path, f"found {base}", expected)
    inherited = _one(part, entries, base, (*users, name), join)
    if not isinstance(inherited, dict):
        return entry
    return join(inherited, {key: value for key, value in entry.items() if key != "like"})


def _join_flat(base: Config, entry: Config) -> Config:
    return {**base, **entry}


def _join_methods(base: Config, entry: Config) -> Config:
    """``entry`` over ``base``; its options also override the base's options of a suite."""
    return _join_by_suite(
        base, entry, "suite_options", lambda method: method.get("options", {})
    )


def _join_backbones(base: Config, entry: Config) -> Config:
    return _join_by_suite(base, entry, "suites", lambda backbone: backbone)


def _join_by_suite(
    base: Config, entry: Config, key: str, flat: Callable[[Config], Any]
) -> Config:
    """``entry`` over ``base``; its values for all suites override the base's for a suite.

    ``key`` contains the values by suite; ``flat`` returns the values for all suites.
    """
    joined = {**base, **entry}
    for nested in (key, "options"):
        if nested in base and nested in entry:
            joined[nested] = _over(base[nested], entry[nested])
    if isinstance(base.get(key), dict) and isinstance(joined[key], dict):
        joined[key] = {
            suite: _over(_without(base[key].get(suite, {}), flat(entry)), values)
            if suite in entry.get(key, {})
            else _without(values, flat(entry))
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
    """Methods that have a kind, each with all of its options.

    Methods of ``bases`` without a kind only serve to inherit from and are left out. An
    option may be the options of another method: ``diffuser: {like: prompt-diffuser}``.
    """
    made = {}
    for name, method in methods.items():
        no_kind = isinstance(method, dict) and not {"kind", "like"} & set(method)
        if no_kind and name in bases and set(method) <= {"options", "suite_options"}:
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
        by_suite = _suite_options_like(methods, name, method)
        if by_suite:
            made[name]["suite_options"] = by_suite
    return made


def _suite_options_like(methods: Config, name: str, method: Config) -> Any:
    """A method's options by suite, with those that its options take from other methods.

    Options that the method itself sets for a suite override them.
    """
    own = method.get("suite_options", {})
    if not isinstance(own, dict):
        return own
    made = {suite: dict(v) if isinstance(v, dict) else v for suite, v in own.items()}
    for key, value in method["options"].items():
        for suite in _suites_of_base(methods, value):
            path = ("methods", name, "options", key)
            values = made.setdefault(suite, {})
            if isinstance(values, dict):
                values.setdefault(key, _options_like(methods, path, value, suite))
    return made


def _suites_of_base(methods: Config, value: Any) -> list[str]:
    """Suites for which the method that ``value`` names as ``like`` has options."""
    if not isinstance(value, dict) or not isinstance(value.get("like"), str):
        return []
    base = methods.get(value["like"])
    return list(mappings(base.get("suite_options"))) if isinstance(base, dict) else []


def _bases(methods: Any) -> set[str]:
    """Names that methods, or options of methods, inherit from."""
    found = set()
    for method in mappings(methods).values():
        for part in (method, *mappings(method.get("options")).values()):
            if isinstance(part.get("like"), str):
                found.add(part["like"])
    return found


def _options_like(
    methods: Config, path: tuple[str, ...], value: Any, suite: str = ""
) -> Any:
    """``value``, or the options of the method that it names, for ``suite`` if given."""
    if not isinstance(value, dict) or "like" not in value:
        return value
    base = methods.get(value["like"]) if isinstance(value["like"], str) else None
    if base is None:
        raise WrongKey(
            (*path, "like"), f"found {value['like']!r:.60}", "a name under methods"
        )
    changes = {key: item for key, item in value.items() if key != "like"}
    if not isinstance(base, dict):
        return changes
    options = base.get("options", {})
    if suite:
        options = _over(options, base["suite_options"][suite])
    return _over(options, changes)


JOINS: dict[str, Join] = {
    "conditions": _join_flat,
    "backbones": _join_backbones,
    "methods": _join_methods,
    "algorithms": _join_methods,
}
