"""Evaluation values of a suite: those of ``evaluate``, changed by ``evaluate.suites``."""

from collections.abc import Sequence
from typing import Any

from trajprompt.config.models import Evaluation
from trajprompt.tasks.registry import get_suite

Config = dict[str, Any]


def values(config: Config, suite: str) -> Config:
    """Values of a suite: ``episodes``, ``curve_episodes`` and ``varied_starts``.

    A curve never has more episodes than a table: it shares them.
    """
    general = {name: config["evaluate"][name] for name in Evaluation.model_fields}
    found = {**general, **_given(config, suite)}
    return {**found, "curve_episodes": min(found["curve_episodes"], found["episodes"])}


def has_varied_starts(config: Config, suites: Sequence[str]) -> bool:
    """Whether one of ``suites`` is also evaluated from varied starts."""
    return any(
        values(config, suite)["varied_starts"] and get_suite(suite).start_shift
        for suite in suites
    )


def replace_lower(lower: Config, higher: Config) -> None:
    """Remove values by suite from ``lower`` that ``higher`` sets for all suites.

    Both are layers of a configuration, not yet checked. Without this, ``evaluate:
    {episodes: 3}`` of a user would not change the suites that the preset lists.
    """
    given, below = higher.get("evaluate"), lower.get("evaluate")
    suites = below.get("suites") if isinstance(below, dict) else None
    if not isinstance(given, dict) or not isinstance(suites, dict):
        return
    for values in suites.values():
        for name in set(values) & set(given) if isinstance(values, dict) else ():
            del values[name]


def _given(config: Config, suite: str) -> Config:
    """The values that the configuration sets for this suite alone."""
    changes = config["evaluate"]["suites"].get(suite, {})
    return {name: value for name, value in changes.items() if value is not None}
