"""The complete configuration: presets, files, and the file named for a wrong key."""

import pytest

from support.configuration import FILE, with_keys
from support.paths import ROOT
from trajprompt.config import derive
from trajprompt.config.checks import splits
from trajprompt.config.load import load_config
from trajprompt.errors import TrajpromptError
from trajprompt.tasks.registry import SUITE_NAMES

DEFAULT = load_config([FILE])


@pytest.mark.parametrize("preset", ["smoke", "paper"])
def test_presets_are_valid(preset):
    assert load_config([FILE, ROOT / f"presets/{preset}.yaml"])["run"] == preset


@pytest.mark.parametrize("preset", ["laptop", "smoke", "paper"])
def test_every_suite_is_configured(preset):
    """Also the suites that are not in the run."""
    made = with_keys({"preset": preset, "suites": list(SUITE_NAMES)})
    for suite in SUITE_NAMES:
        train, test = splits(made, suite)
        assert set(derive.collect(made, suite).tasks) == {*train, *test}
        pretraining = derive.pretrain(made, suite, "prompt-dt", 0)
        assert pretraining.train_tasks == train and pretraining.training.steps > 0


def test_the_error_names_the_file_that_sets_the_key(tmp_path):
    overlay = tmp_path / "mine.yaml"
    overlay.write_text("evaluate: {episodes: 0}\n")
    with pytest.raises(TrajpromptError) as caught:
        load_config([FILE, overlay])
    assert caught.value.where == f"{overlay}: evaluate.episodes"


@pytest.mark.parametrize("text", ["- a\n", "a: [", "\x00"])
def test_files_that_are_not_a_configuration_are_refused(tmp_path, text):
    overlay = tmp_path / "broken.yaml"
    overlay.write_text(text)
    with pytest.raises(TrajpromptError, match="broken.yaml"):
        load_config([FILE, overlay])


def test_a_duplicate_key_is_refused(tmp_path):
    overlay = tmp_path / "twice.yaml"
    overlay.write_text("evaluate: {episodes: 3}\nevaluate: {episodes: 4}\n")
    with pytest.raises(
        TrajpromptError, match="twice.yaml: line 2: found a duplicate key 'evaluate'"
    ):
        load_config([FILE, overlay])


def test_a_template_that_runs_code_is_refused(tmp_path):
    overlay = tmp_path / "template.yaml"
    overlay.write_text("__use_yte__: true\nevaluate:\n  episodes: ?1 + 1\n")
    with pytest.raises(TrajpromptError, match="template.yaml: __use_yte__"):
        load_config([FILE, overlay])


def test_null_removes_an_option(tmp_path):
    overlay = tmp_path / "td3.yaml"
    text = "{algorithm: td3, options: {layer_norm: null, initial_temperature: null}}"
    overlay.write_text(f"collect: {{cheetah-vel: {text}}}\n")
    made = derive.collect(load_config([FILE, overlay]), "cheetah-vel")
    below = DEFAULT["collect"]["cheetah-vel"]["options"]
    left = {name: value for name, value in made.options.items() if value is not None}
    removed = below.keys() - left.keys()
    assert made.algorithm == "td3" and left == {name: below[name] for name in left}
    assert removed == {"layer_norm", "initial_temperature"}


def test_paper_preset_has_the_papers_sizes():
    paper = load_config([FILE, ROOT / "presets/paper.yaml"])
    sizes = {suite: len(splits(paper, suite)[0]) for suite in paper["suites"]}
    expected = {"cheetah-dir": 2, "cheetah-vel": 35, "ant-dir": 45, "reach": 15}
    expected |= {"ant-dir-ood": 8, "pick-place": 45, "point-sparse": 8}
    assert {suite: sizes[suite] for suite in expected} == expected
    assert {sizes[suite] for suite in sizes.keys() - expected.keys()} == {1}  # D4RL
    for suite in expected:
        pretraining = derive.pretrain(paper, suite, "prompt-dt", 0)
        training = pretraining.training
        assert (training.steps, training.learning_rate) == (50_000, 1e-4)
        assert (training.warmup_steps, pretraining.data_fraction) == (10_000, 1.0)
        for backbone in ("prompt-dt", "segments"):
            made = derive.pretrain(paper, suite, backbone, 0)
            sizes = made.sizes
            assert (sizes.context_length, sizes.width, sizes.layers) == (20, 128, 3)
            assert made.training.steps == 50_000
    assert paper["evaluate"]["episodes"] == 50
    assert len(paper["seeds"]) >= 3
