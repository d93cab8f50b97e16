"""What a schema can't see in a run's cells: what does not fit episodes or the training.

Only cells that the run makes are checked: suites differ in the length of their episodes.
"""

from collections.abc import Mapping

from trajprompt.config import backbones as pretraining
from trajprompt.config import cells as table_cells
from trajprompt.config.checks import Config, Found, episode_errors
from trajprompt.tasks.registry import get_suite

LARGEST_PROMPT = 400  # steps of all segments: the cost of attention grows with the square


def cell_inconsistencies(config: Config) -> Found:
    """(key, found, expected) of what the suites of backbones and cells do not have."""
    for suite, backbone in table_cells.backbones(config):
        own = pretraining.values(config, suite, backbone)
        keys = {name: pretraining.key_of(config, suite, name, backbone) for name in own}
        yield from _prompt_errors(suite, own, keys)
        yield from _schedule_errors(suite, backbone, own, keys)
        asked = {keys["demonstrations"]: own["demonstrations"]}
        yield from episode_errors(config, suite, asked)
    cells = {(suite, condition) for suite, condition, _ in table_cells.cells(config)}
    for suite, condition in sorted(cells):
        prompt = pretraining.prompt_of(config, suite, condition)
        keys = {name: _key_of(config, suite, condition, name) for name in prompt}
        yield from _prompt_errors(suite, prompt, keys)
        yield from _sample_errors(config, suite, condition)


def _prompt_errors(suite: str, prompt: Config, keys: Mapping[str, str]) -> Found:
    """Segments, and all windows of their length, have to fit into an episode."""
    horizon, length = get_suite(suite).horizon, prompt["prompt_length"]
    if length >= horizon:
        expected = f"fewer steps than an episode of {suite} has ({horizon})"
        yield keys["prompt_length"], str(length), expected
    segments = prompt["prompt_segments"]
    if segments * length > LARGEST_PROMPT:
        found = f"{segments}, of {length} steps each"
        yield keys["prompt_segments"], found, f"at most {LARGEST_PROMPT} steps in all"


def _schedule_errors(
    suite: str, backbone: str, own: Config, keys: Mapping[str, str]
) -> Found:
    """Warm-ups and pauses between validations that are longer than the training."""
    for name in ("warmup_steps", "validation_every"):
        if own[name] > own["steps"]:
            expected = f"at most the {own['steps']} steps of {backbone} on {suite}"
            yield keys[name], str(own[name]), expected


def _key_of(config: Config, suite: str, condition: str, name: str) -> str:
    """The configuration key that `backbones.prompt_of` takes ``name`` from."""
    conditions = config["conditions"][condition]
    if conditions[name] is not None:
        return f"conditions.{condition}.{name}"
    return pretraining.key_of(config, suite, name, conditions["backbone"])


def _sample_errors(config: Config, suite: str, condition: str) -> Found:
    """More samples than the demonstrations hold."""
    conditions = config["conditions"][condition]
    if conditions["data_quality"] == "full" or conditions["samples"] == "all":
        return
    base = pretraining.values(config, suite, conditions["backbone"])
    demonstrations = base["demonstrations"]
    most = demonstrations * get_suite(suite).horizon
    if conditions["samples"] > most:
        expected = f"at most the {most} steps of {suite}'s {demonstrations} episodes"
        yield f"conditions.{condition}.samples", str(conditions["samples"]), expected
