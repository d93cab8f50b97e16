"""Cells and backbones that the tables and figures of a run need.

An entry of the config has an id, a condition and a method. ``tables`` and ``figures`` list
ids of entries. ``report`` lists the tables and figures that the run makes; if it is "all",
these are all but those in ``omit``.
"""

from collections.abc import Sequence
from typing import Any

from trajprompt.config import backbones as pretraining
from trajprompt.report.plots.inputs import CURVES
from trajprompt.tasks.registry import get_suite

Config = dict[str, Any]


def tables(config: Config) -> list[str]:
    """Tables that the run makes and that have a cell in one of its suites."""
    return _made(config, "tables")


def figures(config: Config) -> list[str]:
    """Figures that the run makes and that have a cell in one of its suites."""
    return _made(config, "figures")


def made(config: Config) -> list[str]:
    """Tables and figures that the run makes."""
    return [*tables(config), *figures(config)]


def suites(config: Config) -> list[str]:
    """Suites in which a table or figure of the run has a cell, in the run's order."""
    used = {suite for found in entries(config).values() for suite in found}
    return [suite for suite in config["suites"] if suite in used]


def collected(config: Config) -> list[str]:
    """Suites whose data the run makes: those with a cell, and of its demonstrations."""
    used = {pretraining.demonstrations_from(config, *pair) for pair in backbones(config)}
    used |= set(suites(config))
    return [suite for suite in config["suites"] if suite in used]


def taught(config: Config) -> list[str]:
    """Environments whose teachers the run trains, to make a suite's data from them."""
    made = [s for s in collected(config) if config["collect"][s]["algorithm"] == "level"]
    return list(dict.fromkeys(get_suite(suite).environment for suite in made))


def videos(config: Config) -> dict[str, tuple[str, ...]]:
    """Video -> suites that can be filmed and in which the run has all of its entries.

    A video only shows cells of tables and figures; it adds no cells to the run.
    """
    in_run = entries(config)
    filmed = [suite for suite in config["suites"] if get_suite(suite).filmed]
    found = {}
    for name, video in (config["videos"] or {}).items():
        wanted = video["suites"] or config["suites"]
        found[name] = tuple(
            suite
            for suite in filmed
            if suite in wanted and all(suite in in_run.get(c, ()) for c in video["entries"])
        )
    return {name: suites for name, suites in found.items() if suites}


def shown(config: Config, name: str) -> dict[str, Any]:
    """Configuration of a table or figure; all their names differ."""
    return config["tables"].get(name) or config["figures"][name]


def _made(config: Config, what: str) -> list[str]:
    known = config[what]
    all_but = [name for name in known if name not in config["omit"]]
    chosen = all_but if config["report"] == "all" else config["report"]
    return [name for name in chosen if name in known and entries(config, (name,))]


def entries(
    config: Config, names: Sequence[str] | None = None
) -> dict[str, tuple[str, ...]]:
    """Entry id -> its suites in the tables and figures ``names`` (default: all of the run).

    Suites are in the run's order. Entries without a suite in this run are left out.
    """
    ordered: list[str] = config["suites"]
    found: dict[str, set[str]] = {}
    for one in made(config) if names is None else names:
        table = shown(config, one)
        chosen = set(ordered) & set(table["suites"] or ordered)
        for name in table["entries"]:
            allowed = config["entries"][name]["suites"] or ordered
            found.setdefault(name, set()).update(chosen & set(allowed))
    return {
        name: tuple(s for s in ordered if s in suites)
        for name, suites in found.items()
        if suites
    }


def cells(config: Config, names: Sequence[str] | None = None) -> list[tuple[str, str, str]]:
    """Every (suite, condition, method) of the tables and figures ``names``, each once."""
    chosen = {
        (suite, config["entries"][name]["condition"], config["entries"][name]["method"])
        for name, suites in entries(config, names).items()
        for suite in suites
    }
    return sorted(chosen, key=lambda cell: (config["suites"].index(cell[0]), cell))


def curves(config: Config) -> set[tuple[str, str, str]]:
    """Cells whose tuning curve is shown by a figure of the run."""
    kinds = {name: config["figures"][name]["kind"] for name in figures(config)}
    return set(cells(config, [name for name, kind in kinds.items() if kind in CURVES]))


def backbones(config: Config, names: Sequence[str] | None = None) -> list[tuple[str, str]]:
    """Every (suite, backbone) that a cell of ``names`` needs, each once."""
    pairs = {
        (suite, config["conditions"][condition]["backbone"])
        for suite, condition, _ in cells(config, names)
    }
    return sorted(pairs, key=lambda pair: (config["suites"].index(pair[0]), pair[1]))
