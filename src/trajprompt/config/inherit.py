"""What an entry of the configuration inherits.

``like: other`` copies another method, backbone or condition; what the entry itself says
comes on top. This also bears a configuration that is not valid yet: what has the wrong type
is left for the models to refuse.
"""

from collections.abc import Callable
from typing import Any

from trajprompt.config.grids import with_grids
from trajprompt.config.wrong_keys import Config, WrongKey

Join = Callable[[Config, Config], Config]


def expanded(config: Config) -> Config:
    """``config`` without ``like`` and ``grids``: every entry written out."""
    made = with_grids(config)
    for part, join in (
        ("conditions", _join_flat),
        ("backbones", _join_backbones),
        ("methods", _join_methods),
    ):
        if isinstance(made.get(part), dict):
            made[part] = _inherit(part, made[part], join)
    if isinstance(made.get("methods"), dict):
        made["methods"] = _methods(made["methods"])
    return made


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
        raise WrongKey(path, repr(base), f"another name under {part}")
    if base in (*users, name):
        raise WrongKey(path, base, f"one that is not itself like {name}")
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
        if isinstance(method, dict) and "kind" not in method and "like" not in method:
            if set(method) <= {"options", "suite_options"}:
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


def _options_like(methods: Config, path: tuple[str, ...], value: Any) -> Any:
    if not isinstance(value, dict) or "like" not in value:
        return value
    base = methods.get(value["like"]) if isinstance(value["like"], str) else None
    if not isinstance(base, dict):
        raise WrongKey((*path, "like"), repr(value["like"]), "a name under methods")
    own = {key: item for key, item in value.items() if key != "like"}
    return {**base.get("options", {}), **own}
