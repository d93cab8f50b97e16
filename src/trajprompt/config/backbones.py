"""What the backbones of a configuration are and are pretrained with.

A backbone is one of the known kinds under its own name, or a variant of a kind: an entry
of ``pretrain.backbones``, whose prompts may have another form, suite by suite.
"""

from typing import Any

Config = dict[str, Any]
KINDS = ("prompt-dt", "prompt-mt-bc", "mt-orl")  # of models/prompt_dt.py, without torch
PROMPT = ("prompt_segments", "prompt_length", "prompt_position")  # J, H and where


def names(config: Config) -> tuple[str, ...]:
    """Every backbone that a setting may name."""
    return (*KINDS, *config["pretrain"]["backbones"])


def kind_of(config: Config, backbone: str) -> str:
    """What the backbone reads, by one of KINDS."""
    own = config["pretrain"]["backbones"].get(backbone)
    return own["kind"] if own else backbone


def values(config: Config, suite: str, backbone: str = "") -> Config:
    """What a backbone of a suite is pretrained with; without a name, all kinds of it."""
    merged: Config = {}
    for _, given in _layers(config, suite, backbone):
        merged |= given
    return {name: value for name, value in merged.items() if name not in ("kind", "suites")}


def prompt_of(config: Config, suite: str, setting: str) -> Config:
    """The form of a cell's prompts: the setting's, or else that of its backbone's."""
    conditions = config["settings"][setting]
    base = values(config, suite, conditions["backbone"])
    return {name: conditions.get(name, base[name]) for name in PROMPT}


def key_of(config: Config, suite: str, name: str, backbone: str = "") -> str:
    """Where `values` has ``name`` from."""
    layers = _layers(config, suite, backbone)
    place = [place for place, given in layers if name in given][-1]
    return f"pretrain.{place}.{name}"


def _layers(config: Config, suite: str, backbone: str) -> list[tuple[str, Config]]:
    """Places below ``pretrain`` and what stands there; later ones override."""
    chosen = config["pretrain"]
    variant = chosen["backbones"].get(backbone, {})
    return [
        ("defaults", chosen["defaults"]),
        (f"suites.{suite}", chosen["suites"].get(suite, {})),
        (f"backbones.{backbone}", variant),
        (f"backbones.{backbone}.suites.{suite}", variant.get("suites", {}).get(suite, {})),
    ]
