"""Checks of teachers, D4RL levels and offline algorithms, beyond the schema."""

from collections.abc import Iterator
from typing import Any

from trajprompt.collect.options import TEACHERS
from trajprompt.settings.kinds import CMT
from trajprompt.settings.options import OptionError, build
from trajprompt.tasks.registry import get_suite

Config = dict[str, Any]
Inconsistency = tuple[str, str, str]  # (key, found, expected)


def level_error(config: Config, suite: str) -> Inconsistency | None:
    """A level that a suite does not have or without teacher; other data of D4RL suites."""
    algorithm, known = config["collect"][suite]["algorithm"], get_suite(suite)
    key = f"collect.{suite}.algorithm"
    if algorithm == "level" and not known.environment:
        return key, "level", f"another: {suite} is not a D4RL suite"
    if known.environment and algorithm not in ("level", "file"):
        return key, algorithm, f"level or file, because {suite} is a D4RL suite"
    if algorithm == "level" and known.environment not in config["teachers"]:
        expected = f"an entry, because the data of {suite} is made from it"
        return f"teachers.{known.environment}", "nothing", expected
    return None


def score_error(config: Config, suite: str) -> Inconsistency | None:
    """A range of scores for a suite without scores."""
    found = config["collect"][suite]["score_between"]
    if found is None or get_suite(suite).score_range is not None:
        return None
    expected = f"null: {suite} is not a D4RL suite, so its data have no score"
    return f"collect.{suite}.score_between", str(found), expected


def offline_inconsistencies(config: Config) -> Iterator[Inconsistency]:
    """Wrong options, names that are used twice, demonstrations of another simulator."""
    for environment, teacher in config["teachers"].items():
        key = f"teachers.{environment}.options"
        yield from _option_errors(key, TEACHERS[teacher["algorithm"]], teacher["options"])
    for name, algorithm in config["algorithms"].items():
        key = f"algorithms.{name}"
        if name in config["backbones"]:
            yield key, "the name of a backbone", "an unused name"
        yield from _algorithm_errors(config, key, algorithm)
    if any(one["kind"] == CMT for one in config["algorithms"].values()):
        from trajprompt.offline.cmt.relabelling import (
            RelabelOptions,  # imports torch: 1.5 s
        )

        yield from _option_errors("relabel", (RelabelOptions,), config["relabel"])
    yield from _demonstration_errors(config)


def _algorithm_errors(
    config: Config, key: str, algorithm: Config
) -> Iterator[Inconsistency]:
    """Wrong options of an algorithm, alone or together with those of a suite."""
    # They import torch: 1.5 s.
    from trajprompt.offline.cmt.options import CmtOptions
    from trajprompt.offline.registry import get_algorithm

    name = algorithm["kind"]
    kind = CmtOptions if name == CMT else get_algorithm(name).options
    by_suite = algorithm["suite_options"]
    for suite in (None, *(name for name in config["suites"] if name in by_suite)):
        changes = by_suite[suite] if suite else {}
        try:
            build((kind,), {**algorithm["options"], **changes})
        except OptionError as error:
            place = f"suite_options.{suite}" if error.name in changes else "options"
            name = f".{error.name}" if error.name else ""
            yield f"{key}.{place}{name}", error.found, error.expected


def _option_errors(
    key: str, kinds: tuple[type, ...], options: Config
) -> Iterator[Inconsistency]:
    try:
        build(kinds, options)
    except OptionError as error:
        name = f".{error.name}" if error.name else ""
        yield f"{key}{name}", error.found, error.expected


def _demonstration_errors(config: Config) -> Iterator[Inconsistency]:
    """Demonstrations from a suite with another simulator."""
    for suite in config["suites"]:
        source = config["tasks"][suite]["demonstrations_from"]
        if source and get_suite(source).simulator is not get_suite(suite).simulator:
            expected = f"a suite with the simulator of {suite}, or null"
            yield f"tasks.{suite}.demonstrations_from", source, expected
