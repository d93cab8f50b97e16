"""Layers of a configuration (papers, presets, files) and their order."""

import shutil

import pytest

from support.configuration import FILE, with_keys
from support.paths import ROOT
from trajprompt.config import evaluation
from trajprompt.config.layers import merge, requires_videos
from trajprompt.config.load import load_config
from trajprompt.errors import TrajpromptError


@pytest.fixture
def folder(tmp_path):
    """A copy of config.yaml, presets and papers."""
    shutil.copy(FILE, tmp_path)
    for name in ("presets", "papers"):
        shutil.copytree(ROOT / name, tmp_path / name)
    return tmp_path


def without(config, *keys):
    return {key: value for key, value in config.items() if key not in keys}


def test_the_laptop_preset_is_the_default():
    assert load_config([FILE]) == with_keys({"preset": "laptop"})


@pytest.mark.parametrize("name", ["laptop", "smoke", "paper"])
def test_a_preset_as_a_file_equals_the_preset_by_name(name):
    by_file = load_config([FILE, ROOT / f"presets/{name}.yaml"])
    assert by_file == with_keys({"preset": name})
    assert by_file["run"] == by_file["preset"] == name


def test_the_users_files_override_the_preset(folder):
    (folder / "mine.yaml").write_text("evaluate: {episodes: 7}\nrun: mine\n")
    made = load_config([folder / "config.yaml", folder / "mine.yaml"])
    assert made["evaluate"]["episodes"] == 7  # in the preset 50, and less on some suites
    assert {evaluation.values(made, suite)["episodes"] for suite in made["suites"]} == {7}
    assert (made["run"], made["preset"]) == ("mine", "laptop")
    last = [folder / "config.yaml", folder / "mine.yaml", folder / "presets/smoke.yaml"]
    assert load_config(last)["evaluate"]["episodes"] == 2


def test_a_preset_overrides_the_preset_that_it_inherits_from(folder):
    text = "preset: tiny\nlike: smoke\nseeds: [4, 5]\nrun_seed: 6\n"
    (folder / "presets/tiny.yaml").write_text(text)
    (folder / "mine.yaml").write_text("preset: tiny\n")
    tiny = load_config([folder / "config.yaml", folder / "mine.yaml"])
    assert (tiny["run"], tiny["seeds"], tiny["run_seed"]) == ("tiny", [4, 5], 6)
    differ = ("preset", "run", "seeds", "run_seed")
    assert without(tiny, *differ) == without(with_keys({"preset": "smoke"}), *differ)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("preset: other\n", 'tiny.yaml: preset: found "other"; expected tiny'),
        (
            "preset: tiny\nlike: tiny\n",
            "tiny.yaml: like: .*'tiny'.*laptop, .*, smoke",
        ),
        ("preset: tiny\nlike: big\n", "tiny.yaml: like: .*'big'"),
        ("preset: tiny\nsedes: [0]\n", "tiny.yaml: sedes: found an unknown key"),
        ("preset: tiny\nseeds: [x]\n", "tiny.yaml: seeds.0: .*an integer"),
    ],
)
def test_wrong_presets_are_named(folder, text, message):
    (folder / "presets/tiny.yaml").write_text(text)
    (folder / "mine.yaml").write_text("preset: tiny\n")
    with pytest.raises(TrajpromptError, match=message):
        load_config([folder / "config.yaml", folder / "mine.yaml"])


def test_a_base_outside_the_presets_is_refused(folder):
    (folder / "mine.yaml").write_text("like: smoke\n")
    with pytest.raises(TrajpromptError, match="mine.yaml: like: .*`preset: NAME`"):
        load_config([folder / "config.yaml", folder / "mine.yaml"])


PAPER = 'name: Mine\ntitle: A paper\narxiv: "2601.00001"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            f"{PAPER}entries: {{prompt-dt: {{}}}}",
            "entries.prompt-dt: .*papers/ptdt/paper.yaml",
        ),
        (f"{PAPER}seeds: [0]", "mine/paper.yaml: seeds: .*mappings named backbones"),
        (f"{PAPER}tables: [mine]", "mine/paper.yaml: tables: "),
        ("title: A paper\narxiv: null\n", "mine/paper.yaml: name: found None"),
        (
            "name: A\ntitle: A\narxiv: 2601.1\n",
            "mine/paper.yaml: arxiv: .*2601.00001|quoted",
        ),
        (f"{PAPER}tables: {{a: {{title: x}}}}", "mine/paper.yaml: tables.a.entries: "),
    ],
)
def test_wrong_papers_are_named(folder, text, message):
    (folder / "papers/mine").mkdir()
    (folder / "papers/mine/paper.yaml").write_text(text)
    with pytest.raises(TrajpromptError, match=message):
        load_config([folder / "config.yaml"])


def test_tables_of_a_paper_belong_to_that_paper(folder):
    (folder / "papers/mine").mkdir()
    table = "tables: {one: {title: x, entries: [prompt-dt], suites: [reach]}}\n"
    (folder / "papers/mine/paper.yaml").write_text(PAPER + table)
    made = load_config([folder / "config.yaml"])
    assert made["tables"]["one"]["paper"] == "mine"
    ours = [name for name, table in made["tables"].items() if table["paper"] == "own"]
    assert list(made["tables"])[-len(ours) :] == ours  # papers/own comes last


def test_papers_may_be_in_another_folder(folder):
    (folder / "papers").rename(folder / "others")
    (folder / "mine.yaml").write_text("papers: others\n")
    assert load_config([folder / "config.yaml", folder / "mine.yaml"])["papers"] == "others"
    with pytest.raises(
        TrajpromptError, match="papers: found papers, which has no <paper>/paper.yaml"
    ):
        load_config([folder / "config.yaml"])


def test_a_new_algorithm_drops_options_of_the_former_one(folder):
    (folder / "mine.yaml").write_text("collect: { cheetah-dir: { algorithm: td3 } }\n")
    files = [folder / "config.yaml", folder / "mine.yaml"]
    before, made = (
        load_config(files[:count])["collect"]["cheetah-dir"] for count in (1, 2)
    )
    assert made["algorithm"] == "td3"
    assert set(before["options"]) - set(made["options"]) == {"initial_temperature"}
    assert all(made["options"][name] == before["options"][name] for name in made["options"])


def test_options_of_the_former_algorithm_in_a_users_file_are_dropped_too(folder):
    """So with a preset given as a file, which Snakemake merges with the user's files."""
    (folder / "mine.yaml").write_text(
        "collect: { reach: { algorithm: file, options: { path: config.yaml } } }\n"
    )
    files = [folder / name for name in ("config.yaml", "presets/smoke.yaml", "mine.yaml")]
    with pytest.raises(TrajpromptError, match="reach.options.path: found config.yaml"):
        load_config(files)


def test_an_algorithm_on_the_command_line_overrides_all_files():
    made = with_keys({"collect.cheetah-dir.algorithm": "td3"})["collect"]["cheetah-dir"]
    assert made["algorithm"] == "td3" and "initial_temperature" not in made["options"]


def test_required_videos_are_those_of_the_files_below(folder):
    """The workflow reads the word before it is resolved."""
    (folder / "mine.yaml").write_text("videos: required\n")
    files = [folder / "config.yaml", folder / "mine.yaml"]
    assert load_config(files) == load_config(files[:1])
    assert requires_videos({}, files) and requires_videos({"videos": "required"}, [])
    assert not requires_videos({}, files[:1])


def test_required_videos_keep_those_of_lower_and_higher_files(folder):
    (folder / "mine.yaml").write_text("videos: required\n")
    video = "{ title: x, entries: [prompt-dt] }"
    (folder / "more.yaml").write_text(f"videos: {{ more: {video} }}\n")
    files = [folder / name for name in ("config.yaml", "mine.yaml", "more.yaml")]
    assert set(load_config(files)["videos"]) >= {"rollouts", "more"}


def test_an_option_that_the_new_algorithm_does_not_have_is_refused(folder):
    text = "{ algorithm: td3, options: { initial_temperature: 0.1 } }"
    (folder / "mine.yaml").write_text(f"collect: {{ cheetah-dir: {text} }}\n")
    with pytest.raises(
        TrajpromptError, match=r"mine\.yaml: .*initial_temperature: .*unknown"
    ):
        load_config([folder / "config.yaml", folder / "mine.yaml"])


def test_merge_keeps_keys_that_the_overlay_does_not_set():
    base = {"a": {"b": 1, "c": [1, 2]}, "d": 3}
    merge(base, {"a": {"c": [9]}})
    assert base == {"a": {"b": 1, "c": [9]}, "d": 3}
