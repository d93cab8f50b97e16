"""The configuration: every wrong key is one clear error, before any job."""

import json

import pytest

from support.configuration import FILE, with_keys
from support.paths import ROOT
from trajprompt.config import derive
from trajprompt.config.checks import splits
from trajprompt.config.layers import merge
from trajprompt.config.load import load_config
from trajprompt.errors import TrajpromptError
from trajprompt.settings import stages as settings
from trajprompt.tasks.registry import SUITE_NAMES

DEFAULT = load_config([FILE])


@pytest.mark.parametrize("preset", ["smoke", "paper"])
def test_presets_are_valid(preset):
    assert load_config([FILE, ROOT / f"presets/{preset}.yaml"])["run"] == preset


def test_only_its_expert_plays_the_sparse_suite():
    with pytest.raises(TrajpromptError, match="collect.point-sparse.algorithm"):
        with_keys({"collect.point-sparse.algorithm": "sac"})


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("colour", 1, ["colour", "only the keys"]),
        ("seeds", [], ["seeds", "[]", "1 to 1000 seeds"]),
        ("seeds", ["a"], ["seeds.0", '"a"', "integer"]),
        ("suites", ["humanoid"], ["suites.0", "humanoid", "cheetah-dir"]),
        ("run", "../elsewhere", ["run", "lower-case"]),
        ("compute.precision", "fp8", ["compute.precision", "bf16"]),
        ("pretrain.learning_rate", "1e-4", ["learning_rate", "1.0e-4"]),
        ("pretrain.learning_rate", 0, ["learning_rate", "more than 0"]),
        ("pretrain.prompt_length", 200, ["prompt_length", "200", "fewer steps"]),
        ("pretrain.heads", 2, ["pretrain.heads", "2", "one of 1"]),
        ("pretrain.layers", 1, ["pretrain.layers", "1", "at least 2"]),
        (
            "methods.none.kind",
            "magic",
            ["methods.none.kind", "tuning/methods/magic.py"],
        ),
        ("tasks.cheetah-vel.test", [40], ["tasks.cheetah-vel.test", "40", "0 to 39"]),
        (
            "entries.prompt-dt.method",
            "magic",
            ["entries.prompt-dt.method", "magic", "none"],
        ),
        ("entries.prompt-dt.condition", "magic", ["entries.prompt-dt.condition", "magic"]),
        ("entries.prompt-dt.suites", [], ["entries.prompt-dt.suites", "at least one"]),
        ("tables.ptdt_table1.entries", ["magic"], ["entries.0", "magic", "prompt-dt"]),
        ("tables.ptdt_table1.entries", ["mt-orl"] * 2, ["entries", "each once"]),
        ("tables.ptdt_table1.entries", [], ["entries", "at least one"]),
        (
            "tables.bandits_table_id.entries",
            ["pdt", "zo-line-search"],
            ["bandits_table_id.entries.1", "zo-line-search", "point-sparse", "ant-dir"],
        ),
        (
            "figures.bandits_regret.suites",
            ["reach", "cheetah-dir"],
            [
                "bandits_regret.entries.0",
                "pdt, which is limited to",
                "suites, reach, cheetah-dir",
            ],
        ),
        (
            "entries.mt-orl.suites",
            ["pick-place"],
            ["ptdt_table1.entries.2", "mt-orl, which is limited to pick-place", "reach"],
        ),
        ("tables.ptdt_table1.suites", ["moon"], ["suites.0", "moon"]),
        ("tables.ptdt_table1.paper", "mine", ["paper", "bandits, own, prompt_diffuser"]),
        ("tables.ptdt_table1.title", "a | b", ["title", "without |"]),
        ("tables.Table", {}, ["tables.Table", "an unknown key", "underscores"]),
        ("tables.table-1", {}, ["tables.table-1", "an unknown key", "underscores"]),
        ("report", ["magic"], ["report.0", "magic", "ptdt_table1"]),
        ("aggregate", "magic", ["aggregate", "magic", "ptdt_table1"]),
        ("report", "some", ["report", "all, or a list"]),
        ("conditions.expert.samples", "few", ["samples", "few", "all"]),
        ("evaluate.episodes", 0, ["evaluate.episodes", "at least 1"]),
        ("collect.ant-dir.options.wdth", 8, ["options.wdth", "unknown option", "width"]),
        ("collect.ant-dir.options.width", "32", ["options.width", "'32'", "valid integer"]),
        ("collect.ant-dir.options.batch", 0, ["options.batch", "0", "at least 1"]),
        ("collect.ant-dir.options.learning_rate", "1e-3", ["learning_rate", "1.0e-4"]),
        (
            "collect.ant-dir.options.greedy_episodes",
            49,
            ["options.episodes_per_task", "48", "49 greedy"],
        ),
        (
            "collect.ant-dir.options.episodes_per_task",
            None,
            ["options.episodes_per_task", "nothing", "type int"],
        ),
        ("collect.reach.options.episodes", 91, ["options.episodes", "91", "multiple of 3"]),
        ("collect.reach.algorithm", "sac", ["collect.reach.algorithm", "sac", "scripted"]),
        ("collect.ant-dir.algorithm", "scripted", ["collect.ant-dir.algorithm", "reach"]),
        (
            "collect.ant-dir.quality_episodes",
            49,
            ["quality_episodes", "49", "at most the 48"],
        ),
        ("collect.reach.quality_episodes", 31, ["31", "30 episodes of each level"]),
        (
            "pretrain.demonstrations",
            31,
            ["pretrain.demonstrations", "31", "reach"],
        ),
        (
            "pretrain.suites.reach.demonstrations",
            31,
            ["suites.reach.demonstrations", "31", "at most the 30"],
        ),
        ("tasks.cheetah-vel.train", [3, 7, 23], ["tasks.cheetah-vel.test", "7, 23"]),
        ("methods.none.kind", "protocol", ["none.kind", "tuning/methods/protocol.py"]),
        ("methods.none.options.x", 1, ["methods.none.options.x", "no options"]),
        (
            "methods.ptdt-online.options.iterations",
            0,
            ["methods.ptdt-online.options.iterations", "0", "at least 1"],
        ),
        (
            "methods.ptdt-online.suite_options",
            {"reach": {"ranked": 16}},
            ["ptdt-online.suite_options.reach.ranked", "16", "at most candidates, 15"],
        ),
        ("evaluate.episodes", 2.0, ["evaluate.episodes", "2.0", "integer"]),
        ("evaluate.episodes", 10**6, ["evaluate.episodes", "1000000", "at most 10000"]),
        ("evaluate.curve_episodes", 11, ["curve_episodes", "11", "evaluate.episodes, 4"]),
        ("run", "laptop\n", ["run", "lower-case"]),
        ("tasks.moon", {}, ["tasks.moon", "an unknown key"]),
        ("conditions.Expert", {}, ["conditions.Expert", "an unknown key", "lower-case"]),
        ("tasks.reach.target_return", float("inf"), ["target_return", "inf", "finite"]),
        ("pretrain.warmup_steps", 401, ["pretrain.warmup_steps", "reach"]),
        ("pretrain.suites.reach.steps", 99, ["pretrain.warmup_steps", "100", "99 steps"]),
        ("pretrain.validation_every", 10**6, ["validation_every", "at most"]),
        (
            "conditions.expert.samples",
            411,
            ["expert.samples", "411", "300 steps of point-sparse"],
        ),
        ("entries.ptdt-offline.condition", "mt-orl", ["ptdt-offline.method", "prompts"]),
        ("entries.pd-zero-shot.method", "retrieval", ["retrieval, which learns", "none"]),
        (
            "entries.pd-zero-shot.method",
            "prompt-diffuser",
            ["which learns", "iterations: 0"],
        ),
        ("collect.ant-dir.options.width", 10**6, ["options.width", "at most 4096"]),
    ],
)
def test_wrong_values_are_named(path, value, words):
    with pytest.raises(TrajpromptError) as caught:
        with_keys({path: value})
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("preset", ["laptop", "smoke", "paper"])
def test_every_suite_is_configured(preset):
    """Those, too, that a run does not name."""
    with_keys({"preset": preset, "suites": list(SUITE_NAMES)})


def test_error_names_the_file_that_holds_the_key(tmp_path):
    overlay = tmp_path / "mine.yaml"
    overlay.write_text("evaluate: {episodes: 0}\n")
    with pytest.raises(TrajpromptError, match="mine.yaml: evaluate.episodes"):
        load_config([FILE, overlay])


@pytest.mark.parametrize("text", ["- a\n", "a: [", "\x00"])
def test_files_that_are_no_configuration(tmp_path, text):
    overlay = tmp_path / "broken.yaml"
    overlay.write_text(text)
    with pytest.raises(TrajpromptError, match="broken.yaml"):
        load_config([FILE, overlay])


def test_a_key_twice_is_refused(tmp_path):
    overlay = tmp_path / "twice.yaml"
    overlay.write_text("evaluate: {episodes: 3}\nevaluate: {episodes: 4}\n")
    with pytest.raises(TrajpromptError, match="twice.yaml: line 2: the key 'evaluate'"):
        load_config([FILE, overlay])


def test_a_template_that_runs_code_is_refused(tmp_path):
    overlay = tmp_path / "template.yaml"
    overlay.write_text("__use_yte__: true\nevaluate:\n  episodes: ?1 + 1\n")
    with pytest.raises(TrajpromptError, match="template.yaml: __use_yte__"):
        load_config([FILE, overlay])


def test_no_column_is_of_a_suite_of_the_run():
    with pytest.raises(TrajpromptError, match="tables: .*no entry of a suite"):
        with_keys({"suites": ["reach"], "report": ["pd_table9"]})


def test_a_run_of_one_suite_has_columns_of_others_too():
    """Tables and columns are then made in part, or not at all: that is asked for."""
    with_keys({"suites": ["reach"]})


def test_null_takes_an_option_back(tmp_path):
    overlay = tmp_path / "td3.yaml"
    text = "{algorithm: td3, options: {layer_norm: null, initial_temperature: null}}"
    overlay.write_text(f"collect: {{cheetah-vel: {text}}}\n")
    assert load_config([FILE, overlay])["collect"]["cheetah-vel"]


def test_tasks_may_be_trained_on_and_tested_as_published():
    assert splits(DEFAULT, "cheetah-dir") == ((0, 1), (0, 1))
    with_keys({"tasks.cheetah-dir.train": [1, 0]})


def test_merge_keeps_what_the_overlay_does_not_name():
    base = {"a": {"b": 1, "c": [1, 2]}, "d": 3}
    merge(base, {"a": {"c": [9]}})
    assert base == {"a": {"b": 1, "c": [9]}, "d": 3}


def test_paper_preset_has_the_papers_sizes():
    paper = load_config([FILE, ROOT / "presets/paper.yaml"])
    sizes = {suite: len(splits(paper, suite)[0]) for suite in paper["suites"]}
    expected = {"cheetah-dir": 2, "cheetah-vel": 35, "ant-dir": 45, "reach": 15}
    expected |= {"ant-dir-ood": 8, "pick-place": 45, "point-sparse": 8}
    assert sizes == expected
    for suite in paper["suites"]:
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


def test_settings_survive_the_command_line():
    made = derive.tune(DEFAULT, "cheetah-vel", "expert", "ptdt-offline", 1)
    values = json.loads(settings.to_json(made))
    assert settings.from_mapping(settings.TuneSettings, values, "here") == made


def test_unknown_setting_on_the_command_line():
    with pytest.raises(TrajpromptError, match="colour"):
        settings.from_mapping(settings.ReportSettings, {"colour": 1}, "--settings")


def test_the_report_of_a_table_has_only_its_suites_and_columns():
    made = derive.report(DEFAULT, "pd_table9")
    assert made.suites == ("ant-dir-ood",)
    assert [entry["id"] for entry in made.entries] == (
        DEFAULT["tables"]["pd_table9"]["entries"]
    )
    assert made.table == "pd_table9" and made.title.startswith("PD Table 9")
    with pytest.raises(TrajpromptError, match="figure 'magic'"):
        derive.report(DEFAULT, "magic")


def test_the_report_of_the_run_has_every_column_in_all_its_suites():
    made = derive.report(DEFAULT)
    entries = {entry["id"]: entry["suites"] for entry in made.entries}
    assert made.suites == tuple(DEFAULT["suites"]) and not made.table
    assert {"ant-dir", "ant-dir-ood"} <= set(entries["prompt-dt"])  # of two tables
    assert entries["pd-zero-shot"] == ["ant-dir-ood"]
