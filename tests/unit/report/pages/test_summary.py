"""Summary of a run in a few lines."""

from trajprompt.report.pages.summary import summary

ATTRIBUTES = {"libraries": "{}", "trajprompt": "1", "commit": "0"}


def size(evaluate, suites=("reach", "ant-dir", "cheetah-vel", "cheetah-dir")):
    config = {"run": "mine", "seeds": [0, 1], "evaluate": evaluate}
    return dict(summary(config, suites, ATTRIBUTES, []))["run"]


def test_the_size_has_the_episodes_of_each_suite():
    by_suite = {"cheetah-vel": {"episodes": 8}, "reach": {"episodes": 20}, "ant-dir": {}}
    text = size({"episodes": 50, "suites": by_suite})
    counts = "1 (reach), 8 (cheetah-vel), 50 (ant-dir, cheetah-dir)"
    assert text == f"mine: 4 suites, 2 seed(s), {counts} test episodes per task and prompt"


def test_equal_episodes_are_one_number():
    text = size({"episodes": 4}, ["ant-dir", "cheetah-vel"])
    assert text == "mine: 2 suites, 2 seed(s), 4 test episodes per task and prompt"
