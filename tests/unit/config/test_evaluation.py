"""Episodes of an evaluation, by suite."""

import pytest

from support.configuration import FILE, with_keys
from support.paths import preset
from trajprompt.config import derive, evaluation
from trajprompt.config.load import load_config

PAPERS_EPISODES = 50  # PTDT Table 6


def counts(config, name="episodes"):
    return {suite: evaluation.values(config, suite)[name] for suite in config["suites"]}


def test_a_value_of_a_suite_overrides_the_value_of_all():
    keys = {"evaluate.suites": {"ant-dir": {"episodes": 3}, "reach": {"episodes": 2}}}
    made = with_keys({"evaluate.episodes": 9, **keys})
    assert counts(made) == dict.fromkeys(made["suites"], 9) | {"ant-dir": 3, "reach": 2}
    cell = "expert", "ptdt-offline", 0
    assert derive.evaluate(made, "ant-dir", *cell).episodes == 3
    assert derive.evaluate(made, "cheetah-dir", *cell).episodes == 9


def test_a_curve_never_has_more_episodes_than_a_table():
    made = with_keys({"evaluate.episodes": 5, "evaluate.curve_episodes": 7})
    assert counts(made, "curve_episodes") == dict.fromkeys(made["suites"], 5)


def test_the_laptop_run_has_the_papers_episodes_where_they_decide():
    laptop = counts(load_config([FILE]))
    noisy = {"cheetah-dir", "ant-dir", "ant-dir-ood"}
    assert {laptop[suite] for suite in noisy} == {PAPERS_EPISODES}
    equal = ("reach", "pick-place")
    assert {laptop[suite] for suite in equal} == {8}  # from varied starts
    assert all(evaluation.values(load_config([FILE]), s)["varied_starts"] for s in equal)


@pytest.mark.parametrize(
    ("name", "episodes", "curve"), [("smoke", 2, 1), ("paper", 50, 10)]
)
def test_presets_without_episodes_by_suite(name, episodes, curve):
    made = load_config([FILE, preset(name)])
    assert set(counts(made).values()) == {episodes}
    assert set(counts(made, "curve_episodes").values()) == {curve}


def test_only_the_replaced_value_of_a_lower_layer_is_dropped():
    lower = {"evaluate": {"suites": {"reach": {"episodes": 1, "curve_episodes": 1}}}}
    evaluation.replace_lower(lower, {"evaluate": {"episodes": 4, "suites": {}}})
    assert lower == {"evaluate": {"suites": {"reach": {"curve_episodes": 1}}}}


@pytest.mark.parametrize("wrong", [None, 3, {"suites": 3}, {"suites": {"reach": 3}}])
def test_wrong_types_are_left_to_the_models(wrong):
    lower = {"evaluate": wrong}
    evaluation.replace_lower(lower, {"evaluate": {"episodes": 4}})
    evaluation.replace_lower({"evaluate": {}}, {"evaluate": wrong})
    assert lower == {"evaluate": wrong}
