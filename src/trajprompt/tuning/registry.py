"""The tuning methods by name: every module of ``tuning/methods`` registers one."""

import importlib
import pkgutil

from trajprompt.errors import TrajpromptError
from trajprompt.tuning import methods as package
from trajprompt.tuning import protocol


def methods() -> dict[str, protocol.Method]:
    """All methods by name, found by importing every module of `tuning.methods`."""
    for module in _modules():
        _import(module)
    return dict(sorted(protocol.REGISTRY.items()))


def get_method(name: str) -> protocol.Method:
    """The method ``name``; only its own module is imported, to start a job sooner."""
    module = name.replace("-", "_")
    if module in _modules():
        _import(module)
    if name not in protocol.REGISTRY:
        expected = f"one of {', '.join(methods())}"
        raise TrajpromptError("tuning method", f"'{name}'", expected)
    return protocol.REGISTRY[name]


def _modules() -> list[str]:
    return [module.name for module in pkgutil.iter_modules(package.__path__)]


def _import(module: str) -> None:
    importlib.import_module(f"{package.__name__}.{module}")
