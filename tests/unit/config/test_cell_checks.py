"""Values that do not fit the episodes of a suite or the training of a backbone."""

import pytest

from support.configuration import FILE, fault_key, fault_of, with_keys
from trajprompt.config.cell_checks import MAX_PROMPT_STEPS, cell_inconsistencies
from trajprompt.config.load import load_config


def test_the_configuration_of_the_repository_is_consistent():
    assert not [*cell_inconsistencies(load_config([FILE]))]


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        (
            {"pretrain.suites.reach.prompt_length": 82},
            (
                "pretrain.suites.reach.prompt_length",
                "found 82",
                "fewer steps than an episode of reach has (82)",
            ),
        ),
        (
            {
                "conditions.expert.prompt_segments": 40,
                "conditions.expert.prompt_length": 20,
            },
            (
                "conditions.expert.prompt_segments",
                "found 40, of 20 steps each",
                "at most 400 steps in all",
            ),
        ),
        (
            {"pretrain.suites.reach.warmup_steps": 1201},
            (
                "pretrain.suites.reach.warmup_steps",
                "found 1201",
                "at most the 1200 steps of mt-orl on reach",
            ),
        ),
        (
            {"conditions.expert.samples": 1031},
            (
                "conditions.expert.samples",
                "found 1031",
                "at most the 1030 steps of pick-place's 10 episodes of a level",
            ),
        ),
    ],
)
def test_the_error_names_the_key_the_value_and_the_bound(keys, fault):
    assert fault_of(keys) == fault


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("pretrain.prompt_length", 200),
        ("pretrain.warmup_steps", 601),
        ("pretrain.validation_every", 10**6),
        ("conditions.expert.prompt_length", 150),
    ],
)
def test_the_key_is_named(path, value):
    assert fault_key({path: value}) == path


def test_the_key_of_the_deciding_layer_is_named():
    """If one suite's training is too short, the warm-up that all suites share is named."""
    assert fault_key({"pretrain.suites.reach.steps": 99}) == "pretrain.warmup_steps"
    suite = {"pretrain.suites.reach": {"steps": 99, "warmup_steps": 100}}
    assert fault_key(suite) == "pretrain.suites.reach.warmup_steps"


def test_the_longest_prompt_is_allowed():
    keys = {"conditions.expert.prompt_segments": 20, "conditions.expert.prompt_length": 20}
    keys["preset"] = "laptop"  # evening has conditions with longer segments
    assert MAX_PROMPT_STEPS == 20 * 20
    assert with_keys(keys)["conditions"]["expert"]["prompt_segments"] == 20


def test_all_samples_are_never_too_many():
    config = with_keys({"conditions.expert.samples": "all"})
    assert config["conditions"]["expert"]["samples"] == "all"


def test_suites_that_are_not_in_the_run_set_no_bound():
    """150 steps are too many for episodes of reach, but not for those of ant-dir."""
    long = {"conditions.expert.prompt_length": 150}
    config = with_keys({**long, "suites": ["ant-dir"]})
    assert config["conditions"]["expert"]["prompt_length"] == 150
    assert fault_key({**long, "suites": ["ant-dir", "reach"]}) == next(iter(long))
