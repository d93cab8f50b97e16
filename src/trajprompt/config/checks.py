"""Checks of keys against each other, beyond the schema."""

from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from trajprompt.collect.options import KINDS, GoalOptions
from trajprompt.config import backbones as pretraining
from trajprompt.config.offline_checks import (
    level_error,
    offline_inconsistencies,
    score_error,
)
from trajprompt.errors import TrajpromptError
from trajprompt.settings.kinds import TRANSFORMERS
from trajprompt.settings.options import OptionError, build
from trajprompt.tasks.registry import get_suite, suites_with_expert

Config = dict[str, Any]
Inconsistencies = Iterator[tuple[str, str, str]]  # (key, found, expected)


def splits(config: Config, suite: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Training and test task indices of a suite in this run."""
    known, chosen = get_suite(suite), config["tasks"][suite]
    train = known.train_tasks if chosen["train"] == "published" else tuple(chosen["train"])
    test = known.test_tasks if chosen["test"] == "published" else tuple(chosen["test"])
    return train, test


def inconsistencies(config: Config) -> Inconsistencies:
    """(key, found, expected) of every key that does not fit the others."""
    for suite in config["suites"]:
        for part in ("tasks", "collect"):
            if suite not in config[part]:
                yield (
                    f"{part}.{suite}",
                    "nothing",
                    f"an entry, because suites names {suite}",
                )
        known = len(get_suite(suite).goals)
        for split, chosen in zip(("train", "test"), splits(config, suite), strict=True):
            for task in chosen:
                if not 0 <= task < known:
                    yield (
                        f"tasks.{suite}.{split}",
                        str(task),
                        f"task indices 0 to {known - 1}",
                    )
    yield from _split_errors(config)
    yield from _backbone_errors(config)
    yield from _evaluation_errors(config)
    yield from _collect_errors(config)
    yield from offline_inconsistencies(config)
    yield from _method_errors(config)


def _split_errors(config: Config) -> Inconsistencies:
    """Test tasks that are also training tasks, but not in the published split."""
    for suite in config["suites"]:
        known = get_suite(suite)
        train, test = splits(config, suite)
        published = set(known.train_tasks) & set(known.test_tasks)
        shared = sorted(set(train) & set(test) - published)
        if shared:
            found = f"task(s) {', '.join(map(str, shared))}, which are also training tasks"
            yield f"tasks.{suite}.test", found, "test tasks that are not trained on"


def _backbone_errors(config: Config) -> Inconsistencies:
    """Variants with the name of a kind, and conditions with an unknown backbone."""
    known = pretraining.names(config)
    for part in ("backbones", "algorithms"):
        for name in TRANSFORMERS:
            if name in config[part]:
                expected = f"a name other than {', '.join(TRANSFORMERS)}"
                yield f"{part}.{name}", "the name of a kind", expected
    for name, condition in config["conditions"].items():
        if condition["backbone"] not in known:
            key, expected = f"conditions.{name}.backbone", f"one of {', '.join(known)}"
            yield key, condition["backbone"], expected


def _evaluation_errors(config: Config) -> Inconsistencies:
    """Varied starts of a suite whose resets already differ, and unknown methods."""
    for place, name in enumerate(config["evaluate"]["curve_ends"]):
        if name not in config["methods"]:
            yield f"evaluate.curve_ends.{place}", name, "the name of a method"
    for suite, changes in config["evaluate"]["suites"].items():
        if changes["varied_starts"] and not get_suite(suite).start_shift:
            key = f"evaluate.suites.{suite}.varied_starts"
            yield key, "true", f"false: the resets of {suite} are not all equal"


def _collect_errors(config: Config) -> Inconsistencies:
    for suite in config["suites"]:
        chosen, key = config["collect"][suite], f"collect.{suite}"
        algorithm = chosen["algorithm"]
        scripted = suites_with_expert()
        made = algorithm in ("file", "level")
        if not made and (algorithm == "scripted") != (suite in scripted):
            expected = f"scripted for {', '.join(scripted)}; another for other suites"
            yield f"{key}.algorithm", algorithm, expected
            continue
        if GoalOptions in KINDS[algorithm] and not get_suite(suite).shares_agents:
            expected = f"sac or td3: the tasks of {suite} cannot share an agent"
            yield f"{key}.algorithm", algorithm, expected
            continue
        if found := level_error(config, suite) or score_error(config, suite):
            yield found
            continue
        try:
            build(KINDS[algorithm], chosen["options"])
        except OptionError as error:
            yield _option_key(f"{key}.options", error), error.found, error.expected
            continue
        wrong = [*_user_store_errors(config, suite)] if algorithm == "file" else []
        yield from wrong
        if not wrong:
            demonstrations = pretraining.values(config, suite)["demonstrations"]
            counts = {
                pretraining.key_of(config, suite, "demonstrations"): demonstrations,
                f"{key}.quality_episodes": chosen["quality_episodes"],
            }
            yield from episode_errors(config, suite, counts)


def _user_store_errors(config: Config, suite: str) -> Inconsistencies:
    """A store of the user that does not fit the suite; only its headers are read."""
    key = f"collect.{suite}.options.path"
    path = config["collect"][suite]["options"]["path"]
    if not Path(path).is_file():
        yield key, f"{path}, which is not a file", "a store made by `trajprompt import`"
        return
    try:
        _stored_episodes(config, suite)
    except TrajpromptError as error:
        found = f"{path}, which does not fit ({error})"
        yield key, found, f"a store of {suite} with all tasks of the run"


def episode_errors(
    config: Config, suite: str, counts: Mapping[str, int]
) -> Inconsistencies:
    """Counts, by their key, that exceed a task's episodes of one quality level."""
    stored = _stored_episodes(config, suite)
    for key, count in counts.items():
        if count > stored:
            scripted = config["collect"][suite]["algorithm"] == "scripted"
            level = " of each level" if scripted else ""
            expected = (
                f"at most {stored}, the number of episodes{level} per task of {suite}"
            )
            yield key, str(count), expected


def level_episodes(config: Config, suite: str) -> int:
    """Episodes that every task has at least for each of three levels without overlap."""
    stored = _stored_episodes(config, suite)
    scripted = config["collect"][suite]["algorithm"] == "scripted"
    return stored if scripted else max(1, stored // 3)


def _stored_episodes(config: Config, suite: str) -> int:
    """Episodes of a quality level that every task has at least."""
    chosen = config["collect"][suite]
    algorithm = chosen["algorithm"]
    options = build(KINDS[algorithm], chosen["options"])[0]
    if algorithm != "file":
        return options.stored
    from trajprompt.collect.user_store import fewest_episodes

    tasks = sorted({*chain.from_iterable(splits(config, suite))})
    return fewest_episodes(options.path, get_suite(suite), tasks)


def _method_errors(config: Config) -> Inconsistencies:
    from trajprompt.tuning.registry import methods  # imports torch: 1.5 s

    known = methods()
    for name, method in config["methods"].items():
        if method["kind"] not in known:
            file = f"src/trajprompt/tuning/methods/{method['kind'].replace('-', '_')}.py"
            expected = f"one of {', '.join(known)}, or a new one registered by {file}"
            yield f"methods.{name}.kind", method["kind"], expected
        yield from _method_option_errors(config, f"methods.{name}", method)


def _method_option_errors(config: Config, key: str, method: Config) -> Inconsistencies:
    """Wrong options of a method, alone or together with those of a suite."""
    from trajprompt.tuning.registry import get_method

    kind = get_method(method["kind"]).options
    by_suite = method["suite_options"]
    for suite in (None, *(name for name in config["suites"] if name in by_suite)):
        changes = by_suite[suite] if suite else {}
        try:
            build((kind,), {**method["options"], **changes})
        except OptionError as error:
            place = f"suite_options.{suite}" if error.name in changes else "options"
            yield _option_key(f"{key}.{place}", error), error.found, error.expected


def _option_key(place: str, error: OptionError) -> str:
    return f"{place}.{error.name}" if error.name else place
