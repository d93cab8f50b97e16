"""What the backbones of a configuration are and are pretrained with.

A backbone is one of the known kinds under its own name, or an entry of ``backbones``: a
kind whose prompts or sizes differ, suite by suite if need be.
"""

from typing import Any

Config = dict[str, Any]
KINDS = ("prompt-dt", "prompt-mt-bc", "mt-orl")  # of models/prompt_dt.py, without torch
PROMPT = ("prompt_segments", "prompt_length", "prompt_position")  # J, H and where


def names(config: Config) -> tuple[str, ...]:
    """Every backbone that a condition may name."""
    return (*KINDS, *config["backbones"])


def kind_of(config: Config, backbone: str) -> str:
    """What the backbone reads, by one of KINDS."""
    own = config["backbones"].get(backbone)
    return own["kind"] if own else backbone


def values(config: Config, suite: str, backbone: str = "") -> Config:
    """What a backbone of a suite is pretrained with; without a name, all kinds of it."""
    merged: Config = {}
    for _, given in _layers(config, suite, backbone):
        merged |= given
    return merged


def prompt_of(config: Config, suite: str, condition: str) -> Config:
    """The form of a cell's prompts: the condition's, or else that of its backbone's."""
    given = config["conditions"][condition]
    base = values(config, suite, given["backbone"])
    return {name: base[name] if given[name] is None else given[name] for name in PROMPT}


def key_of(config: Config, suite: str, name: str, backbone: str = "") -> str:
    """Where `values` has ``name`` from."""
    layers = _layers(config, suite, backbone)
    place = [place for place, given in layers if name in given][-1]
    return f"{place}.{name}"


def _layers(config: Config, suite: str, backbone: str) -> list[tuple[str, Config]]:
    """Keys of the configuration and what they set; later ones override."""
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
