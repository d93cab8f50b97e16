"""Keys of tasks, data, backbones and methods that do not fit each other."""

import pytest

from support.configuration import FILE, fault_key, fault_of, with_keys
from trajprompt.config.checks import episode_errors, inconsistencies, splits
from trajprompt.config.load import load_config

DEFAULT = load_config([FILE])
SCRIPTED = "scripted for pick-place, point-sparse, reach, and another for the rest"


def test_nothing_is_wrong_with_the_repositorys_configuration():
    assert not [*inconsistencies(DEFAULT)]


def test_tasks_may_be_trained_on_and_tested_as_published():
    assert splits(DEFAULT, "cheetah-dir") == ((0, 1), (0, 1))
    turned = with_keys({"tasks.cheetah-dir.train": [1, 0]})
    assert splits(turned, "cheetah-dir") == ((1, 0), (0, 1))


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        (
            {"tasks.cheetah-vel.test": [40]},
            ("tasks.cheetah-vel.test", "found 40", "task indices 0 to 39"),
        ),
        (
            {"tasks.cheetah-vel.train": [3, 7, 23]},
            (
                "tasks.cheetah-vel.test",
                "found task(s) 7, 23, which are training tasks too",
                "test tasks that are not trained on",
            ),
        ),
        (
            {"backbones.mt-orl": {"kind": "mt-orl"}},
            ("backbones.mt-orl", "found a kind's name", "an unused name"),
        ),
        (
            {"evaluate.curve_episodes": 11},
            ("evaluate.curve_episodes", "found 11", "at most evaluate.episodes, 4"),
        ),
        (
            {"collect.reach.algorithm": "sac"},
            ("collect.reach.algorithm", "found sac", SCRIPTED),
        ),
        (
            {"collect.reach.quality_episodes": 31},
            (
                "collect.reach.quality_episodes",
                "found 31",
                "at most the 30 episodes of each level that a task of reach gets",
            ),
        ),
        (
            {"collect.ant-dir.quality_episodes": 49},
            (
                "collect.ant-dir.quality_episodes",
                "found 49",
                "at most the 48 episodes that a task of ant-dir gets",
            ),
        ),
    ],
)
def test_the_error_says_what_does_not_fit(keys, fault):
    assert fault_of(keys) == fault


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("conditions.expert.backbone", "magic"),
        ("collect.ant-dir.algorithm", "scripted"),
        ("collect.point-sparse.algorithm", "sac"),
        ("collect.ant-dir.options.wdth", 8),
        ("collect.ant-dir.options.width", "32"),
        ("collect.ant-dir.options.width", 10**6),
        ("collect.ant-dir.options.batch", 0),
        ("collect.ant-dir.options.learning_rate", "1e-3"),
        ("collect.ant-dir.options.episodes_per_task", None),
        ("collect.reach.options.episodes", 91),
        ("pretrain.demonstrations", 31),
        ("pretrain.suites.reach.demonstrations", 31),
        ("methods.none.kind", "magic"),
        ("methods.none.kind", "protocol"),
        ("methods.none.options.x", 1),
        ("methods.ptdt-online.options.iterations", 0),
        ("methods.ptdt-online.options.ranked", 16),
    ],
)
def test_the_key_is_named(path, value):
    assert fault_key({path: value}) == path


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        (
            {"methods.none.options.x": 1},
            ("methods.none.options.x", "found an unknown key", "no keys"),
        ),
        (
            {"methods.ptdt-online.options.iterations": 0},
            ("methods.ptdt-online.options.iterations", "found 0", "at least 1"),
        ),
        (
            {"methods.ptdt-online.suite_options": {"reach": {"ranked": 16}}},
            (
                "methods.ptdt-online.suite_options.reach.ranked",
                "found 16",
                "at most candidates, 15",
            ),
        ),
        (
            {"collect.ant-dir.options.episodes_per_task": None},
            (
                "collect.ant-dir.options.episodes_per_task",
                "found nothing",
                "a value of type int",
            ),
        ),
        (
            {"collect.ant-dir.options.greedy_episodes": 49},
            (
                "collect.ant-dir.options.episodes_per_task",
                "found 48 for 2 random and 49 greedy ones",
                "at least both together, in rounds of 2",
            ),
        ),
        (
            {"collect.reach.options.episodes": 91},
            ("collect.reach.options.episodes", "found 91", "a multiple of 3"),
        ),
    ],
)
def test_the_error_of_an_option_says_what_is_allowed(keys, fault):
    assert fault_of(keys) == fault


def test_an_unknown_method_is_told_the_file_that_would_make_it_known():
    _, found, expected = fault_of({"methods.none.kind": "my-method"})
    assert found == "found my-method" and expected.startswith("one of adaptor, ")
    assert expected.endswith(
        "or a new one that src/trajprompt/tuning/methods/my_method.py registers"
    )


def test_more_episodes_than_a_task_has_are_found_by_their_key():
    asked = {"few": 30, "many": 31}
    (found,) = episode_errors(DEFAULT, "reach", asked)
    assert found[:2] == ("many", "31")


def test_options_of_a_suite_that_the_run_has_not_are_not_looked_at():
    """Another run may have it; its names are checked all the same."""
    wrong = {"methods.ptdt-online.suite_options": {"reach": {"ranked": 16}}}
    made = with_keys({**wrong, "suites": ["cheetah-vel"]})
    assert made["methods"]["ptdt-online"]["suite_options"] == {"reach": {"ranked": 16}}
