"""The suites by name: every module of this package that defines ``SUITES`` is a family.

Looking up a suite imports nothing heavy: MuJoCo, PyTorch, Gymnasium and Meta-World are
imported when a simulator is made.
"""

import importlib
import pkgutil

import numpy as np

import trajprompt.tasks as package
from trajprompt.errors import TrajpromptError
from trajprompt.tasks.simulator import Simulator
from trajprompt.tasks.suites import Suite


def load_suites() -> tuple[dict[str, Suite], dict[str, str]]:
    """Suites, and names of the modules that define them, both by the suite's name."""
    suites: dict[str, Suite] = {}
    families: dict[str, str] = {}
    for found in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{found.name}")
        for suite in getattr(module, "SUITES", ()):
            if suite.name in suites:
                expected = f"another name: {families[suite.name]}.py defines this suite"
                text, remedy = f"found the suite '{suite.name}'", "rename the suite"
                raise TrajpromptError(f"{found.name}.py", text, expected, remedy)
            suites[suite.name], families[suite.name] = suite, found.name
    return suites, families


_SUITES, _FAMILIES = load_suites()
SUITE_NAMES: tuple[str, ...] = tuple(_SUITES)


def get_suite(name: str) -> Suite:
    """The suite called ``name``; the error for an unknown name lists the known ones."""
    if name not in _SUITES:
        expected = f"one of {', '.join(SUITE_NAMES)}"
        raise TrajpromptError("suite", f"found {name!r}", expected, "choose one of these")
    return _SUITES[name]


def suites_with_expert() -> tuple[str, ...]:
    """Names of the suites that have a scripted expert."""
    return tuple(name for name, suite in _SUITES.items() if suite.expert is not None)


def family(name: str) -> str:
    """Name of the module of this package that defines the suite called ``name``."""
    get_suite(name)
    return _FAMILIES[name]


def make_simulator(suite: Suite, tasks: np.ndarray, threads: int = 1) -> Simulator:
    """Make a simulator of ``suite`` whose row i plays ``tasks[i]``."""
    simulator: Simulator = suite.simulator(suite, tasks, threads)
    return simulator
