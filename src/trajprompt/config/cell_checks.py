"""Checks of a run's cells against episode lengths and training, beyond the schema.

Only cells that the run makes are checked, because episode lengths differ by suite.
"""

from collections.abc import Mapping

from trajprompt.config import backbones as pretraining
from trajprompt.config import cells as table_cells
from trajprompt.config.checks import (
    Config,
    Inconsistencies,
    episode_errors,
    level_episodes,
)
from trajprompt.tasks.registry import get_suite

# In all segments together: the cost of attention grows with the square of the length.
MAX_PROMPT_STEPS = 400


def cell_inconsistencies(config: Config) -> Inconsistencies:
    """(key, found, expected) of values that do not fit a backbone's or cell's suite."""
    for suite, backbone in table_cells.backbones(config):
        if pretraining.is_offline(config, backbone):
            continue
        source = pretraining.demonstrations_from(config, suite, backbone)
        if source and source not in config["suites"]:
            key = f"tasks.{suite}.demonstrations_from"
            yield key, source, f"one of suites, or null, because {backbone} reads them"
        values = pretraining.values(config, suite, backbone)
        keys = {name: pretraining.key_of(config, suite, name, backbone) for name in values}
        yield from _prompt_errors(suite, values, keys)
        yield from _schedule_errors(suite, backbone, values, keys)
        counts = {keys["demonstrations"]: values["demonstrations"]}
        yield from episode_errors(config, suite, counts)
    cells = {(suite, condition) for suite, condition, _ in table_cells.cells(config)}
    for suite, condition in sorted(cells):
        prompt = pretraining.prompt_of(config, suite, condition)
        keys = {name: _key_of(config, suite, condition, name) for name in prompt}
        yield from _prompt_errors(suite, prompt, keys)
        yield from _sample_errors(config, suite, condition)


def _prompt_errors(suite: str, prompt: Config, keys: Mapping[str, str]) -> Inconsistencies:
    """Segments as long as an episode, or too many steps in all segments."""
    horizon, length = get_suite(suite).horizon, prompt["prompt_length"]
    if length >= horizon:
        expected = f"fewer steps than an episode of {suite} has ({horizon})"
        yield keys["prompt_length"], str(length), expected
    segments = prompt["prompt_segments"]
    if segments * length > MAX_PROMPT_STEPS:
        found = f"{segments}, of {length} steps each"
        yield keys["prompt_segments"], found, f"at most {MAX_PROMPT_STEPS} steps in all"


def _schedule_errors(
    suite: str, backbone: str, values: Config, keys: Mapping[str, str]
) -> Inconsistencies:
    """A warm-up or validation interval that is longer than the training."""
    for name in ("warmup_steps", "validation_every"):
        if values[name] > values["steps"]:
            expected = f"at most the {values['steps']} steps of {backbone} on {suite}"
            yield keys[name], str(values[name]), expected


def _key_of(config: Config, suite: str, condition: str, name: str) -> str:
    """Configuration key that sets ``name`` in `backbones.prompt_of`."""
    conditions = config["conditions"][condition]
    if conditions[name] is not None:
        return f"conditions.{condition}.{name}"
    return pretraining.key_of(config, suite, name, conditions["backbone"])


def _sample_errors(config: Config, suite: str, condition: str) -> Inconsistencies:
    """More samples than the episodes of a level have steps."""
    conditions = config["conditions"][condition]
    if conditions["data_quality"] == "full" or conditions["samples"] == "all":
        return
    base = pretraining.values(config, suite, conditions["backbone"])
    episodes = min(base["data_trajectories"], level_episodes(config, suite))
    most = episodes * get_suite(suite).horizon
    if conditions["samples"] > most:
        expected = f"at most the {most} steps of {suite}'s {episodes} episodes of a level"
        yield f"conditions.{condition}.samples", str(conditions["samples"]), expected
