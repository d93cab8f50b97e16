"""Budgets of methods and of trained policies: the papers', and a run's share of them.

A method's budget is per prompt, in contexts through the imitation loss or in episodes. It
is the product of the options that ``papers/<paper>/budgets.yaml`` names. An offline
algorithm's is its number of updates, a transformer's its number of pretraining steps.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trajprompt.adaptations.layout import REMEDY as TUNE_AGAIN
from trajprompt.adaptations.layout import open_adaptation
from trajprompt.artifacts.hdf5_attributes import get_attributes
from trajprompt.errors import TrajpromptError
from trajprompt.report.read.cells import Entry
from trajprompt.report.read.offline_curves import Learning, read_learning
from trajprompt.report.read.papers import printed_files
from trajprompt.report.read.tables import read_yaml
from trajprompt.settings.parsing import json_object
from trajprompt.tasks.registry import SUITE_NAMES

BUDGETS = "budgets.yaml"
UPDATES = "updates"  # unit of offline algorithms
STEPS = "steps"  # unit of transformers
UNITS = ("contexts", "episodes", UPDATES, STEPS)
KEYS = {"unit", "options", "paper", "source"}
SUITES = "suites"  # optional key
MADE_BY = "git checkout papers/"
REMEDY = "correct the entry; papers/README.md describes the file"
Cell = tuple[str, str, str]  # suite, condition, method


@dataclass(frozen=True)
class Budget:
    """A paper's budget of a method, for one prompt, or of training a policy."""

    unit: str
    options: tuple[str, ...]  # whose product is the budget
    paper: int
    source: str
    suites: tuple[str, ...] | None = None  # None: all

    def covers(self, suite: str) -> bool:
        """Return whether it is the paper's budget on ``suite``."""
        return self.suites is None or suite in self.suites


class Shares:
    """Budgets of the cells of a run as shares of the papers'.

    ``learning`` has the curves of the offline algorithms. ``pretraining`` are files of the
    transformers' curves, ``…/<suite>/<backbone>/seed<n>.csv``.
    """

    def __init__(
        self,
        papers: str | Path,
        adaptations: Sequence[str | Path] = (),
        learning: Learning | None = None,
        pretraining: Sequence[str | Path] = (),
    ):
        self.budgets = read_budgets(papers)
        self._shares: dict[Cell, float] = {}
        for path in adaptations:
            self._add(path)
        curves = [path for path in map(Path, pretraining) if self._has_budget(path)]
        self._trained = self._trained_shares({**(learning or {}), **read_learning(curves)})

    def get(self, suite: str, entry: Entry) -> float | None:
        """Share of a cell: of tuning, or of training the policy that is not tuned.

        None without a paper's budget or without its files.
        """
        if entry.is_untuned:
            return self._trained.get((suite, entry.backbone))
        return self._shares.get((suite, entry.condition, entry.method))

    def _has_budget(self, curve: Path) -> bool:
        suite, backbone = curve.parts[-3:-1]
        return backbone in self.budgets and self.budgets[backbone].covers(suite)

    def _trained_shares(self, curves: Learning) -> dict[tuple[str, str], float]:
        """Share of each suite and backbone with a budget: its last step or update."""
        return {
            (suite, name): float(curve["step"].max()) / self.budgets[name].paper
            for (suite, name), curve in curves.items()
            if name in self.budgets and self.budgets[name].covers(suite)
        }

    def _add(self, path: str | Path) -> None:
        with open_adaptation(path) as file:
            names = get_attributes(file)
        suite, condition, method = (
            str(names.get(name)) for name in ("suite", "condition", "method")
        )
        budget = self.budgets.get(method)
        if budget is None:
            return
        where = f"{path}: settings"
        settings = json_object(names.get("settings"), where, TUNE_AGAIN)
        options = _options(where, settings)
        missing = [name for name in budget.options if not hasattr(options, name)]
        if missing:
            found = f"the method {settings['kind']} has no option {', '.join(missing)}"
            expected = f"the options that {BUDGETS} names for {method}"
            raise TrajpromptError(where, found, expected, REMEDY)
        ours = math.prod(getattr(options, name) for name in budget.options)
        self._shares[suite, condition, method] = ours / budget.paper


def read_budgets(papers: str | Path) -> dict[str, Budget]:
    """Read the budgets in all folders of ``papers``, by method.

    Raises TrajpromptError for wrong keys or values, and for a method with two budgets.
    """
    budgets: dict[str, Budget] = {}
    for path in printed_files(papers, BUDGETS):
        found = read_yaml(path, MADE_BY)
        if not isinstance(found, dict):
            raise TrajpromptError(path, f"found {found!r:.60}", "a mapping", REMEDY)
        for method, values in found.items():
            if method in budgets:
                text = f"found a second budget of {method}"
                raise TrajpromptError(path, text, "one in all papers", REMEDY)
            budgets[method] = _budget(f"{path}: {method}", values)
    return budgets


def _budget(where: str, values: Any) -> Budget:
    if not isinstance(values, dict) or set(values) - {SUITES} != KEYS:
        expected = f"the keys {', '.join(sorted(KEYS))}, and {SUITES} if not on all"
        raise TrajpromptError(where, f"found {values!r:.80}", expected, REMEDY)
    unit, options, paper = (values[name] for name in ("unit", "options", "paper"))
    named = isinstance(options, list) and options and all(type(o) is str for o in options)
    if unit not in UNITS or not named or type(paper) is not int or paper < 1:
        expected = f"unit {' or '.join(UNITS)}, a list of options, paper of at least 1"
        raise TrajpromptError(where, f"found {values!r:.80}", expected, REMEDY)
    suites = _suites(where, values)
    return Budget(unit, tuple(options), paper, str(values["source"]), suites)


def _suites(where: str, values: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The suites that the budget is of; None: all."""
    if SUITES not in values:
        return None
    found = values[SUITES]
    if not isinstance(found, list) or not found or set(found) - set(SUITE_NAMES):
        raise TrajpromptError(
            f"{where}: {SUITES}", f"found {found!r:.80}", "suites", REMEDY
        )
    return tuple(found)


def _options(where: str, settings: dict[str, Any]) -> Any:
    """All options of the method, with their defaults."""
    from trajprompt.settings.options import parse_options
    from trajprompt.tuning.registry import get_method

    kind, given = settings.get("kind"), settings.get("options")
    if not isinstance(kind, str) or not isinstance(given, dict):
        found = f"found kind {kind!r:.40} and options {given!r:.40}"
        raise TrajpromptError(where, found, "those of a tuning method", TUNE_AGAIN)
    return parse_options(get_method(kind).options, given, where, TUNE_AGAIN)
