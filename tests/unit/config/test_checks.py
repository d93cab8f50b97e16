"""Keys of tasks, data, backbones and methods that do not fit each other."""

import pytest

from support.configuration import FILE, fault_key, fault_of, with_keys
from trajprompt.config.checks import episode_errors, inconsistencies, splits
from trajprompt.config.load import load_config

DEFAULT = load_config([FILE])
SCRIPTED = (
    "scripted for pick-place, point-sparse, point-wind, reach; another for other suites"
)


def test_the_configuration_of_the_repository_is_consistent():
    assert not [*inconsistencies(DEFAULT)]


def test_tasks_may_be_trained_on_and_tested_as_published():
    assert splits(DEFAULT, "cheetah-dir") == ((0, 1), (0, 1))
    reversed_tasks = with_keys({"tasks.cheetah-dir.train": [1, 0]})
    assert splits(reversed_tasks, "cheetah-dir") == ((1, 0), (0, 1))


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
                "found task(s) 7, 23, which are also training tasks",
                "test tasks that are not trained on",
            ),
        ),
        (
            {"backbones.mt-orl": {"kind": "mt-orl"}},
            (
                "backbones.mt-orl",
                "found the name of a kind",
                "a name other than prompt-dt, prompt-mt-bc, mt-orl",
            ),
        ),
        (
            {"evaluate.suites.cheetah-vel.varied_starts": True},
            (
                "evaluate.suites.cheetah-vel.varied_starts",
                "found true",
                "false: the resets of cheetah-vel are not all equal",
            ),
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
                "at most 30, the number of episodes of each level per task of reach",
            ),
        ),
        (
            {"collect.ant-dir.quality_episodes": 49},
            (
                "collect.ant-dir.quality_episodes",
                "found 49",
                "at most 48, the number of episodes per task of ant-dir",
            ),
        ),
    ],
)
def test_the_error_names_the_key_the_value_and_the_bound(keys, fault):
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
                "at most 15, the value of candidates",
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
                "found 48 for 2 random and 49 greedy episodes",
                "at least their sum, in multiples of 2",
            ),
        ),
        (
            {"collect.reach.options.episodes": 91},
            ("collect.reach.options.episodes", "found 91", "a multiple of 3"),
        ),
    ],
)
def test_the_error_of_an_option_names_the_allowed_values(keys, fault):
    assert fault_of(keys) == fault


def test_the_error_of_an_unknown_method_names_the_file_to_register_it():
    _, found, expected = fault_of({"methods.none.kind": "my-method"})
    assert found == "found my-method" and expected.startswith("one of adaptor, ")
    assert expected.endswith(
        "or a new one registered by src/trajprompt/tuning/methods/my_method.py"
    )


def test_counts_above_the_episodes_of_a_task_are_found_by_their_key():
    counts = {"few": 30, "many": 31}
    (found,) = episode_errors(DEFAULT, "reach", counts)
    assert found[:2] == ("many", "31")


def test_options_of_a_suite_that_is_not_in_the_run_are_not_checked():
    """Another run may have the suite; its name is checked nevertheless."""
    wrong = {"methods.ptdt-online.suite_options": {"reach": {"ranked": 16}}}
    config = with_keys({**wrong, "suites": ["cheetah-vel"]})
    assert config["methods"]["ptdt-online"]["suite_options"]["reach"] == {"ranked": 16}
