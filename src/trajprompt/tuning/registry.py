"""Registry of the tuning methods: every module of ``tuning/methods`` registers one."""

import importlib
import pkgutil

from trajprompt.errors import TrajpromptError
from trajprompt.tuning import methods as package
from trajprompt.tuning import protocol


def methods() -> dict[str, protocol.Method]:
    """Return all methods by name; imports every module of `tuning.methods`."""
    for module in _modules():
        _import(module)
    return dict(sorted(protocol.REGISTRY.items()))


def get_method(name: str) -> protocol.Method:
    """Return the method ``name``; imports only its module, which takes less time.

    Raises TrajpromptError for an unknown name.
    """
    module = name.replace("-", "_")
    if module in _modules():
        _import(module)
    if name not in protocol.REGISTRY:
        expected = f"one of {', '.join(methods())}"
        found, remedy = f"found '{name}'", "choose one of these, or add a method"
        raise TrajpromptError("kind of tuning method", found, expected, remedy)
    return protocol.REGISTRY[name]


def _modules() -> list[str]:
    return [module.name for module in pkgutil.iter_modules(package.__path__)]


def _import(module: str) -> None:
    importlib.import_module(f"{package.__name__}.{module}")
