"""Registry of the algorithms: imports the file of ``offline/algorithms`` that one is in."""

import importlib

from trajprompt.errors import TrajpromptError
from trajprompt.offline import algorithms as package
from trajprompt.offline.registration import REGISTRY, Algorithm
from trajprompt.settings.kinds import OFFLINE_KINDS

__all__ = ["OFFLINE_KINDS", "get_algorithm"]


def get_algorithm(name: str) -> Algorithm:
    """The algorithm ``name``; imports only its module.

    Raises TrajpromptError for an unknown name, and if its module registers nothing.
    """
    if name not in OFFLINE_KINDS:
        expected = f"one of {', '.join(OFFLINE_KINDS)}"
        remedy = "choose one of these, or add an algorithm"
        raise TrajpromptError("offline algorithm", f"found '{name}'", expected, remedy)
    module = importlib.import_module(f"{package.__name__}.{name.replace('-', '_')}")
    if name not in REGISTRY:
        file, expected = str(module.__file__), f"@register('{name}', …)"
        remedy = "decorate its class; docs/add-an-algorithm.md has an example"
        raise TrajpromptError(file, "registers no algorithm", expected, remedy)
    return REGISTRY[name]
