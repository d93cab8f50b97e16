"""Differences between a configuration and the choices of a calibration."""

import pytest

from support.paths import CONFIG, ROOT
from trajprompt.config.choices import differences, read_choices
from trajprompt.config.load import load_config
from trajprompt.errors import TrajpromptError


@pytest.fixture(scope="module")
def run():
    return load_config([CONFIG])


def found(run, choices):
    return [str(one) for one in differences(run, choices)]


def test_equal_values_are_no_difference_wherever_they_are_set(run):
    soft, adaptor = run["methods"]["soft-prompt"], run["methods"]["adaptor"]
    equal = {
        "cheetah-vel": {
            "soft-prompt": {"learning_rate": soft["options"]["learning_rate"]},
            "prompt-bandit": {"exploration_scale": 0.1},  # the default of the code
            "adaptor": dict(adaptor["suite_options"]["cheetah-vel"]),
        },
    }
    assert found(run, equal) == []


def test_a_difference_names_file_key_and_values(run):
    choices = {"ant-dir": {"ptdt-online": {"smoothing": 7.0}}}
    (line,) = found(run, choices)
    key = "methods.ptdt-online.suite_options.ant-dir.smoothing"
    assert line.startswith(f"presets/laptop.yaml: {key}: 7.0 (found ")


def test_unknown_suites_methods_and_options(run):
    choices = {"mars": {"ptdt-online": {"smoothing": 7.0}}, "reach": {"nothing": {"x": 1}}}
    assert found(run, choices) == []
    (line,) = found(run, {"reach": {"adaptor": {"speed": 1}}})
    assert "suite_options.reach.speed: 1 (found None)" in line


@pytest.mark.parametrize("text", ["[]", "reach: 1", "reach: { adaptor: 3 }"])
def test_other_files_are_refused(tmp_path, text):
    file = tmp_path / "choices.yaml"
    file.write_text(text)
    with pytest.raises(TrajpromptError, match=r"choices.yaml: .*options by suite"):
        read_choices(file)
    with pytest.raises(TrajpromptError, match="no such file"):
        read_choices(ROOT / "missing.yaml")
