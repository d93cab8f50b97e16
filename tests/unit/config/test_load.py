"""The configuration: every wrong key is one clear error, before any job."""

import copy
import json

import pytest

from trajprompt.config import derive
from trajprompt.config.checks import splits
from trajprompt.config.load import check_config, load_config, merge_config
from trajprompt.errors import TrajpromptError
from trajprompt.settings import stages as settings
from trajprompt.tasks.registry import SUITE_NAMES

DEFAULT = load_config(["config.yaml"])


def changed(path, value):
    """The default configuration with the key at dotted ``path`` set to ``value``."""
    copied = copy.deepcopy(DEFAULT)
    *parents, last = path.split(".")
    node = copied
    for part in parents:
        node = node[int(part) if isinstance(node, list) else part]
    node[last] = value
    return copied


@pytest.mark.parametrize("preset", ["smoke", "paper"])
def test_presets_are_valid(preset):
    assert load_config(["config.yaml", f"presets/{preset}.yaml"])["run"] == preset


def test_only_its_expert_plays_the_sparse_suite():
    made = load_config(["config.yaml"])
    made["collect"]["point-sparse"]["algorithm"] = "sac"
    with pytest.raises(TrajpromptError, match="collect.point-sparse.algorithm"):
        check_config(made, ["config.yaml"])


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("colour", 1, ["colour", "only the keys"]),
        ("seeds", [], ["seeds", "[]", "1 to 1000 seeds"]),
        ("seeds", ["a"], ["seeds.0", '"a"', "integer"]),
        ("suites", ["humanoid"], ["suites.0", "humanoid", "cheetah-dir"]),
        ("run", "../elsewhere", ["run", "lower-case"]),
        ("compute.precision", "fp8", ["compute.precision", "bf16"]),
        ("pretrain.defaults.learning_rate", "1e-4", ["learning_rate", "1.0e-4"]),
        ("pretrain.defaults.learning_rate", 0, ["learning_rate", "more than 0"]),
        ("pretrain.defaults.prompt_length", 200, ["prompt_length", "200", "fewer steps"]),
        ("pretrain.defaults.heads", 2, ["pretrain.defaults.heads", "2", "1, the only"]),
        ("pretrain.defaults.layers", 1, ["pretrain.defaults.layers", "1", "at least 2"]),
        (
            "tune.methods.none.kind",
            "magic",
            ["methods.none.kind", "tuning/methods/magic.py"],
        ),
        ("tasks.cheetah-vel.test", [40], ["tasks.cheetah-vel.test", "40", "0 to 39"]),
        (
            "columns.prompt-dt.method",
            "magic",
            ["columns.prompt-dt.method", "magic", "none"],
        ),
        ("columns.prompt-dt.condition", "magic", ["columns.prompt-dt.condition", "magic"]),
        ("columns.prompt-dt.suites", [], ["columns.prompt-dt.suites", "at least one"]),
        ("tables.ptdt_table1.columns", ["magic"], ["columns.0", "magic", "prompt-dt"]),
        ("tables.ptdt_table1.columns", ["mt-orl"] * 2, ["columns", "each once"]),
        ("tables.ptdt_table1.columns", [], ["columns", "at least one"]),
        (
            "tables.bandits_table_id.columns",
            ["pdt", "zo-line-search"],
            ["bandits_table_id.columns.1", "zo-line-search", "point-sparse", "ant-dir"],
        ),
        (
            "figures.bandits_regret.suites",
            ["reach", "cheetah-dir"],
            ["bandits_regret.columns.0", "pdt, which is of", "suites, reach, cheetah-dir"],
        ),
        (
            "columns.mt-orl.suites",
            ["pick-place"],
            ["ptdt_table1.columns.2", "mt-orl, which is of pick-place alone", "reach"],
        ),
        ("tables.ptdt_table1.suites", ["moon"], ["suites.0", "moon"]),
        ("tables.ptdt_table1.paper", "mine", ["paper", "ptdt, prompt_diffuser, bandits"]),
        ("tables.ptdt_table1.title", "a | b", ["title", "without |"]),
        ("tables.Table", {}, ["tables.Table", "an unknown key", "underscores"]),
        ("tables.table-1", {}, ["tables.table-1", "an unknown key", "underscores"]),
        ("report", ["magic"], ["report.0", "magic", "ptdt_table1"]),
        ("report", "some", ["report", "all, or a list"]),
        ("settings.expert.samples", "few", ["samples", "few", "all"]),
        ("evaluate.episodes", 0, ["evaluate.episodes", "at least 1"]),
        ("collect.ant-dir.options.wdth", 8, ["options.wdth", "unknown option", "width"]),
        ("collect.ant-dir.options.width", "32", ["options.width", "'32'", "type int"]),
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
            "pretrain.defaults.demonstrations",
            31,
            ["defaults.demonstrations", "31", "reach"],
        ),
        (
            "pretrain.suites.reach.demonstrations",
            31,
            ["suites.reach.demonstrations", "31", "at most the 30"],
        ),
        ("tasks.cheetah-vel.train", [3, 7, 23], ["tasks.cheetah-vel.test", "7, 23"]),
        ("tune.methods.none.kind", "protocol", ["none.kind", "tuning/methods/protocol.py"]),
        ("tune.methods.none.options.x", 1, ["methods.none.options.x", "no options"]),
        (
            "tune.methods.ptdt-online.options.iterations",
            0,
            ["methods.ptdt-online.options.iterations", "0", "at least 1"],
        ),
        (
            "tune.methods.ptdt-online.suite_options",
            {"reach": {"ranked": 16}},
            ["ptdt-online.suite_options.reach.ranked", "16", "at most candidates, 15"],
        ),
        ("evaluate.episodes", 2.0, ["evaluate.episodes", "2.0", "integer"]),
        ("evaluate.episodes", 10**6, ["evaluate.episodes", "1000000", "at most 10000"]),
        ("evaluate.curve_episodes", 11, ["curve_episodes", "11", "evaluate.episodes, 4"]),
        ("run", "laptop\n", ["run", "lower-case"]),
        ("tasks.moon", {}, ["tasks.moon", "an unknown key"]),
        ("settings.Expert", {}, ["settings.Expert", "an unknown key", "lower-case"]),
        ("tasks.reach.target_return", float("inf"), ["target_return", "inf", "finite"]),
        ("pretrain.defaults.warmup_steps", 401, ["defaults.warmup_steps", "reach"]),
        ("pretrain.suites.reach.steps", 99, ["defaults.warmup_steps", "100", "99 steps"]),
        ("pretrain.defaults.validation_every", 10**6, ["validation_every", "at most"]),
        ("settings.expert.samples", 411, ["expert.samples", "411", "410 steps of reach"]),
        ("columns.ptdt-offline.condition", "mt-orl", ["ptdt-offline.method", "prompts"]),
        ("columns.pd-zero-shot.method", "retrieval", ["retrieval, which learns", "none"]),
        (
            "columns.pd-zero-shot.method",
            "prompt-diffuser",
            ["which learns", "iterations: 0"],
        ),
        ("collect.ant-dir.options.width", 10**6, ["options.width", "at most 4096"]),
    ],
)
def test_wrong_values_are_named(path, value, words):
    with pytest.raises(TrajpromptError) as caught:
        check_config(changed(path, value), ["config.yaml"])
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("presets", [[], ["presets/smoke.yaml"], ["presets/paper.yaml"]])
def test_every_suite_is_configured(presets):
    """Those, too, that a run does not name."""
    chosen = load_config(["config.yaml", *presets])
    chosen["suites"] = list(SUITE_NAMES)
    check_config(chosen)


def test_error_names_the_file_that_holds_the_key(tmp_path):
    overlay = tmp_path / "mine.yaml"
    overlay.write_text("evaluate: {episodes: 0}\n")
    with pytest.raises(TrajpromptError, match="mine.yaml: evaluate.episodes"):
        load_config(["config.yaml", overlay])


@pytest.mark.parametrize("text", ["- a\n", "a: [", "\x00"])
def test_files_that_are_no_configuration(tmp_path, text):
    overlay = tmp_path / "broken.yaml"
    overlay.write_text(text)
    with pytest.raises(TrajpromptError, match="broken.yaml"):
        load_config(["config.yaml", overlay])


def test_a_key_twice_is_refused(tmp_path):
    overlay = tmp_path / "twice.yaml"
    overlay.write_text("evaluate: {episodes: 3}\nevaluate: {episodes: 4}\n")
    with pytest.raises(TrajpromptError, match="twice.yaml: line 2: the key 'evaluate'"):
        load_config(["config.yaml", overlay])


def test_a_template_that_runs_code_is_refused(tmp_path):
    overlay = tmp_path / "template.yaml"
    overlay.write_text("__use_yte__: true\nevaluate:\n  episodes: ?1 + 1\n")
    with pytest.raises(TrajpromptError, match="template.yaml: __use_yte__"):
        load_config(["config.yaml", overlay])


def test_no_column_is_of_a_suite_of_the_run():
    made = changed("suites", ["reach"])
    made["report"] = ["pd_table9"]
    with pytest.raises(TrajpromptError, match="tables: .*no column of a suite"):
        check_config(made)


def test_a_run_of_one_suite_has_columns_of_others_too():
    """Tables and columns are then made in part, or not at all: that is asked for."""
    check_config(changed("suites", ["reach"]))


def test_null_takes_an_option_back(tmp_path):
    overlay = tmp_path / "td3.yaml"
    text = "{algorithm: td3, options: {layer_norm: null, initial_temperature: null}}"
    overlay.write_text(f"collect: {{cheetah-vel: {text}}}\n")
    assert load_config(["config.yaml", overlay])["collect"]["cheetah-vel"]


def test_tasks_may_be_trained_on_and_tested_as_published():
    assert splits(DEFAULT, "cheetah-dir") == ((0, 1), (0, 1))
    check_config(changed("tasks.cheetah-dir.train", [1, 0]))


def test_merge_keeps_what_the_overlay_does_not_name():
    base = {"a": {"b": 1, "c": [1, 2]}, "d": 3}
    merge_config(base, {"a": {"c": [9]}})
    assert base == {"a": {"b": 1, "c": [9]}, "d": 3}


def test_paper_preset_has_the_papers_sizes():
    paper = load_config(["config.yaml", "presets/paper.yaml"])
    sizes = {suite: len(splits(paper, suite)[0]) for suite in paper["suites"]}
    expected = {"cheetah-dir": 2, "cheetah-vel": 35, "ant-dir": 45, "reach": 15}
    expected |= {"ant-dir-ood": 8, "pick-place": 45, "point-sparse": 8}
    assert sizes == expected
    for suite in paper["suites"]:
        pretraining = derive.pretrain(paper, suite, "prompt-dt", 0)
        assert (pretraining.steps, pretraining.learning_rate) == (50_000, 1e-4)
        assert (pretraining.warmup_steps, pretraining.data_fraction) == (10_000, 1.0)
        for backbone in ("prompt-dt", "segments"):
            size = derive.pretrain(paper, suite, backbone, 0)
            assert (size.context_length, size.width, size.layers) == (20, 128, 3)
            assert size.steps == 50_000
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
    assert [column["id"] for column in made.columns] == (
        DEFAULT["tables"]["pd_table9"]["columns"]
    )
    assert made.table == "pd_table9" and made.title.startswith("PD Table 9")
    with pytest.raises(TrajpromptError, match="figure 'magic'"):
        derive.report(DEFAULT, "magic")


def test_the_report_of_the_run_has_every_column_in_all_its_suites():
    made = derive.report(DEFAULT)
    columns = {column["id"]: column["suites"] for column in made.columns}
    assert made.suites == tuple(DEFAULT["suites"]) and not made.table
    assert {"ant-dir", "ant-dir-ood"} <= set(columns["prompt-dt"])  # of two tables
    assert columns["pd-zero-shot"] == ["ant-dir-ood"]
