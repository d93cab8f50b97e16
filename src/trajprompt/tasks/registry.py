"""The suites by name: every module of this package that defines ``SUITES`` is a family.

It and the families are light: MuJoCo, PyTorch, Gymnasium and Meta-World are imported when
a simulator is made, never by looking a suite up.
"""

import importlib
import pkgutil

import numpy as np

import trajprompt.tasks as package
from trajprompt.errors import TrajpromptError
from trajprompt.tasks.simulator import Simulator
from trajprompt.tasks.suites import Suite


def listed() -> tuple[dict[str, Suite], dict[str, str]]:
    """All suites, and the names of the modules that define them, by the suites' names."""
    suites: dict[str, Suite] = {}
    families: dict[str, str] = {}
    for found in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{found.name}")
        for suite in getattr(module, "SUITES", ()):
            if suite.name in suites:
                expected = f"another name: {families[suite.name]}.py has such a suite"
                raise TrajpromptError(f"{found.name}.py", f"'{suite.name}'", expected)
            suites[suite.name], families[suite.name] = suite, found.name
    return suites, families


_SUITES, _FAMILIES = listed()
SUITE_NAMES: tuple[str, ...] = tuple(_SUITES)


def get_suite(name: str) -> Suite:
    """The suite called ``name``; an unknown name is an error that lists the known ones."""
    if name not in _SUITES:
        raise TrajpromptError("suite", repr(name), "one of " + ", ".join(SUITE_NAMES))
    return _SUITES[name]


def with_expert() -> tuple[str, ...]:
    """The suites that a scripted expert collects."""
    return tuple(name for name, suite in _SUITES.items() if suite.expert is not None)


def family(name: str) -> str:
    """The module of this package that defines the suite called ``name``."""
    get_suite(name)
    return _FAMILIES[name]


def make_simulator(suite: Suite, tasks: np.ndarray, threads: int = 1) -> Simulator:
    """A simulator of ``suite`` whose row i plays ``tasks[i]``."""
    simulator: Simulator = suite.simulator(suite, tasks, threads)
    return simulator
