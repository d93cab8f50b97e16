"""The tuning methods by name: every module of ``tuning/methods`` registers one."""

import importlib
import pkgutil

from trajprompt.errors import TrajpromptError
from trajprompt.tuning import protocol


def methods() -> dict[str, protocol.Method]:
    """All methods by name, found by importing every module of `tuning.methods`."""
    import trajprompt.tuning.methods as package

    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")
    return dict(sorted(protocol.REGISTRY.items()))


def get_method(name: str) -> protocol.Method:
    known = methods()
    if name not in known:
        raise TrajpromptError("tuning method", f"'{name}'", f"one of {', '.join(known)}")
    return known[name]
