"""The backbones of a configuration and their pretraining values.

A backbone is a transformer's kind, under the kind's name; an entry of ``backbones``: a kind
with other prompts, sizes or training, which may also differ by suite; or an entry of
``algorithms``: a policy that an offline algorithm learns.
"""

from typing import Any

from trajprompt.settings.kinds import TRANSFORMERS

Config = dict[str, Any]
PROMPT = ("prompt_segments", "prompt_length", "prompt_position")  # J, H and position


def names(config: Config) -> tuple[str, ...]:
    """All backbones that a condition may name."""
    return (*transformers(config), *config["algorithms"])


def transformers(config: Config) -> tuple[str, ...]:
    """The backbones that are prompt transformers."""
    return (*TRANSFORMERS, *config["backbones"])


def is_offline(config: Config, backbone: str) -> bool:
    """True if an offline algorithm learns the backbone."""
    return backbone in config["algorithms"]


def kind_of(config: Config, backbone: str) -> str:
    """The backbone's kind, see settings/kinds.py; it decides what the backbone reads."""
    variant = config["backbones"].get(backbone) or config["algorithms"].get(backbone)
    return variant["kind"] if variant else backbone


def values(config: Config, suite: str, backbone: str = "") -> Config:
    """Pretraining values of a backbone on a suite; of the kinds if no name is given."""
    merged: Config = {}
    for _, given in _layers(config, suite, backbone):
        merged |= given
    return merged


def prompt_of(config: Config, suite: str, condition: str) -> Config:
    """Form of a cell's prompts: the condition's values, else those of its backbone."""
    given = config["conditions"][condition]
    base = values(config, suite, given["backbone"])
    return {name: base[name] if given[name] is None else given[name] for name in PROMPT}


def demonstrations_from(config: Config, suite: str, backbone: str) -> str:
    """The other suite whose demonstrations a backbone's cells read; empty: none.

    Policies of offline algorithms read no prompts, demonstrations or samples.
    """
    if is_offline(config, backbone):
        return ""
    return config["tasks"][suite]["demonstrations_from"] or ""


def key_of(config: Config, suite: str, name: str, backbone: str = "") -> str:
    """Configuration key that sets ``name`` in `values`."""
    layers = _layers(config, suite, backbone)
    place = [place for place, given in layers if name in given][-1]
    return f"{place}.{name}"


def _layers(config: Config, suite: str, backbone: str) -> list[tuple[str, Config]]:
    """(key, values that it sets); later layers override earlier ones."""
    general, variant = config["pretrain"], config["backbones"].get(backbone, {})
    layers = [
        ("pretrain", general),
        (f"pretrain.suites.{suite}", general["suites"].get(suite, {})),
        (f"backbones.{backbone}", variant),
        (f"backbones.{backbone}.suites.{suite}", variant.get("suites", {}).get(suite, {})),
    ]
    return [(place, _given(layer)) for place, layer in layers]


def _given(layer: Config) -> Config:
    """The values that a layer sets."""
    return {
        name: value
        for name, value in layer.items()
        if value is not None and name not in ("kind", "suites")
    }
