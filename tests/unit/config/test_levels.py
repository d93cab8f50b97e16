"""Levels of D4RL suites: range of their score, demonstrations, names of algorithms."""

import pytest

from support.configuration import fault_key, fault_of, with_keys
from trajprompt.config import cells as table_cells
from trajprompt.config.derive import settings_for
from trajprompt.settings.stages import CollectSettings, TuneSettings

LEVEL = {
    "suites": ["hopper-medium"],
    "collect.hopper-medium": {"algorithm": "level", "quality_episodes": 3},
    "teachers.hopper": {"algorithm": "ppo", "options": {"steps": 4096}},
    "tables": {"mine": {"title": "Mine", "entries": ["prompt-dt"]}},
    "report": ["mine"],
    "tasks.hopper-medium.demonstrations_from": None,
    "videos": None,
}
KEY = "collect.hopper-medium.score_between"


def test_a_range_reaches_the_settings_of_the_stage():
    found = settings_for(
        with_keys({**LEVEL, KEY: [20, 60.5]}), CollectSettings, suite="hopper-medium"
    )
    assert found.score_between == (20.0, 60.5)


def test_without_a_range_there_is_no_check():
    config = with_keys({**LEVEL, KEY: None})
    found = settings_for(config, CollectSettings, suite="hopper-medium")
    assert found.score_between is None


@pytest.mark.parametrize("values", [[60, 20], [20, 20], [20], [1, 2, 3]])
def test_a_range_is_two_numbers_in_order(values):
    expected = "two numbers, the lower one first"
    assert fault_of({**LEVEL, KEY: values}) == (KEY, f"found {values}", expected)


def test_other_suites_have_no_score():
    key, found, expected = fault_of({"collect.reach.score_between": [0, 100]})
    assert (key, found) == ("collect.reach.score_between", "found [0.0, 100.0]")
    assert "reach is not a D4RL suite" in expected


@pytest.mark.parametrize("source", ["walker2d-expert", "reach"])
def test_demonstrations_are_of_the_same_simulator(source):
    wrong = "tasks.hopper-medium.demonstrations_from"
    key, _, expected = fault_of({**LEVEL, wrong: source})
    assert key == wrong
    assert "simulator of hopper-medium" in expected or "one of suites" in expected


def test_only_transformers_need_the_suite_of_the_demonstrations():
    """Offline policies read no prompts, demonstrations or samples of another suite."""
    source = {"tasks.hopper-medium.demonstrations_from": "hopper-expert"}
    one = {"mine": {"title": "Mine", "entries": ["bc", "iql"]}}
    config = with_keys({**LEVEL, **source, "tables": one})
    assert table_cells.collected(config) == ["hopper-medium"]
    made = settings_for(
        config,
        TuneSettings,
        suite="hopper-medium",
        condition="offline-bc",
        method="none",
        seed=0,
    )
    assert made.demonstrations_from == ""
    both = {"mine": {"title": "Mine", "entries": ["bc", "dt"]}}
    key, found, expected = fault_of({**LEVEL, **source, "tables": both})
    assert (key, found) == (next(iter(source)), "found hopper-expert")
    assert "because mt-orl reads them" in expected


@pytest.mark.parametrize("part, kind", [("backbones", "mt-orl"), ("algorithms", "iql")])
def test_a_kinds_name_is_refused_in_the_section_that_has_it(part, kind):
    assert fault_key({f"{part}.mt-orl": {"kind": kind}}) == f"{part}.mt-orl"


def test_another_algorithm_drops_the_former_options_of_a_teacher():
    """The evening preset's teacher of halfcheetah is SAC, with options of its own."""
    changes = {"teachers.halfcheetah": {"algorithm": "ppo", "options": {"rows": 8}}}
    options = with_keys(changes)["teachers"]["halfcheetah"]["options"]
    assert options["rows"] == 8 and options["steps"] > 0
    assert not {"updates_per_step", "random_steps", "target_rate"} & set(options)
